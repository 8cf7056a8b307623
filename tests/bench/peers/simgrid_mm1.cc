// SPDX-License-Identifier: GPL-3.0-or-later
// The queue of scenarios/mm1.yaml on SimGrid: an actor that makes customers and one that serves
// them. They share a queue in memory and a semaphore, which costs less than messages over a
// simulated network would.
//
// usage: simgrid_mm1 CUSTOMERS SEED
//
// Prints the mean time from arrival to departure, in seconds.
#include <simgrid/s4u.hpp>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>

namespace sg4 = simgrid::s4u;

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    const long customers = std::atol(argv[1]);
    std::mt19937_64 random(static_cast<unsigned long>(std::atol(argv[2])));
    std::exponential_distribution<double> gap(0.9);
    std::exponential_distribution<double> service(1);
    std::deque<double> arrived;
    double sum_s = 0;

    int no_arguments = 1;
    char *name[] = {argv[0], nullptr};
    sg4::Engine engine(&no_arguments, name);
    sg4::NetZone *zone = sg4::create_full_zone("zone");
    sg4::Host *host = zone->create_host("host", 1e9);
    zone->seal();
    const sg4::SemaphorePtr waiting = sg4::Semaphore::create(0);
    sg4::Actor::create("source", host, [&]() {
        for (long i = 0; i < customers; i++) {
            arrived.push_back(sg4::Engine::get_clock());
            waiting->release();
            sg4::this_actor::sleep_for(gap(random));
        }
    });
    sg4::Actor::create("server", host, [&]() {
        for (long i = 0; i < customers; i++) {
            waiting->acquire();
            sg4::this_actor::sleep_for(service(random));
            sum_s += sg4::Engine::get_clock() - arrived.front();
            arrived.pop_front();
        }
    });
    engine.run();
    std::printf("%.9g\n", sum_s / static_cast<double>(customers));
    return 0;
}
