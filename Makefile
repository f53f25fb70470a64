# The commands of the README.
SHELL := /bin/sh
MARTLET = .build/release/martlet

.PHONY: all build prerequisites demo test faults bench bench-scheduling bench-network format

all: build

prerequisites:
	@Scripts/prerequisites.sh

build: prerequisites
	swift build -c release --product martlet

demo: build
	@Scripts/demo.sh $(MARTLET)

# Everything, from the formatting to the end to end tests on real containers. One debug build serves all of it.
test: prerequisites
	@Scripts/test.sh

# The control plane under a simulated clock with random faults, for ten minutes of seeds.
faults: prerequisites
	swift build -c release --product fault-simulation
	@Scripts/faults.sh .build/release/fault-simulation

bench: build
	@Benchmarks/bench.sh $(MARTLET)
	@swift run -c release JSONBenchmark

# The shapes of upstream's scheduler_perf on 1,000 and 5,000 simulated nodes.
bench-scheduling: build
	@Benchmarks/scheduling/scheduling.py $(MARTLET)

# Services, DNS and Ingress of a node, beside direct access and nginx.
bench-network: build
	@Benchmarks/network/network.py $(MARTLET)

format:
	swift format --in-place --recursive --parallel Sources Tests Benchmarks Package.swift
