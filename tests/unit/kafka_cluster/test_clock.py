import os
import signal
import threading

from kafka_cluster.clock import ManualClock, Stop, SystemClock


def test_sleeping_on_a_manual_clock_moves_it() -> None:
    clock = ManualClock(5)
    clock.sleep(2.5)
    clock.sleep(-1)
    assert clock.now() == clock.monotonic() == 7.5


def test_a_requested_stop_cuts_a_sleep_short() -> None:
    stop = Stop()
    sleeper = threading.Thread(target=SystemClock(stop).sleep, args=(60,))
    sleeper.start()
    stop.request()
    sleeper.join(10)
    assert not sleeper.is_alive()


def test_sigterm_requests_the_stop() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        stop = Stop().on_signals()
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(10)
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
