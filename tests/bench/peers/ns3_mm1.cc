// SPDX-License-Identifier: GPL-3.0-or-later
// The queue of scenarios/mm1.yaml on the core of ns-3: two kinds of events, an arrival and a
// departure, and the customers' times of arrival in a queue.
//
// usage: ns3_mm1 CUSTOMERS SEED
//
// Prints the mean time from arrival to departure, in seconds. Times are whole nanoseconds there,
// which changes nothing that shows.
#include <ns3/double.h>
#include <ns3/nstime.h>
#include <ns3/random-variable-stream.h>
#include <ns3/rng-seed-manager.h>
#include <ns3/simulator.h>

#include <cstdio>
#include <cstdlib>
#include <deque>

namespace {

class Queue
{
  public:
    explicit Queue(long customers)
        : m_left(customers)
    {
        m_gap->SetAttribute("Mean", ns3::DoubleValue(1 / 0.9));
        m_service->SetAttribute("Mean", ns3::DoubleValue(1));
    }

    void Arrive()
    {
        m_arrived.push_back(ns3::Simulator::Now());
        if (m_arrived.size() == 1) {
            Serve();
        }
        if (--m_left > 0) {
            ns3::Simulator::Schedule(ns3::Seconds(m_gap->GetValue()), &Queue::Arrive, this);
        }
    }

    double sum_s = 0;

  private:
    void Serve()
    {
        ns3::Simulator::Schedule(ns3::Seconds(m_service->GetValue()), &Queue::Depart, this);
    }

    void Depart()
    {
        sum_s += (ns3::Simulator::Now() - m_arrived.front()).GetSeconds();
        m_arrived.pop_front();
        if (!m_arrived.empty()) {
            Serve();
        }
    }

    using Exponential = ns3::ExponentialRandomVariable;
    ns3::Ptr<Exponential> m_gap = ns3::CreateObject<Exponential>();
    ns3::Ptr<Exponential> m_service = ns3::CreateObject<Exponential>();
    std::deque<ns3::Time> m_arrived;
    long m_left;
};

} // namespace

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    const long customers = std::atol(argv[1]);
    ns3::RngSeedManager::SetSeed(static_cast<uint32_t>(std::atol(argv[2])));
    Queue queue(customers);
    ns3::Simulator::Schedule(ns3::Seconds(0), &Queue::Arrive, &queue);
    ns3::Simulator::Run();
    ns3::Simulator::Destroy();
    std::printf("%.9g\n", queue.sum_s / static_cast<double>(customers));
    return 0;
}
