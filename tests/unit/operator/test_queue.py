"""The work queue: no key twice at once, none lost, later each time it fails."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from mooring_operator.queue import BACKOFF_LIMIT_S, JITTER, Key, WorkQueue, backoff

A, B = Key("MlflowWorkspace", "team-a", "a"), Key("MlflowWorkspace", "team-b", "b")


def test_a_key_that_waits_is_there_once() -> None:
    queue = WorkQueue()
    queue.add(A)
    queue.add(A)
    queue.add(B)
    assert [queue.take(), queue.take()] == [A, B]
    assert queue.load().waiting == 0


def test_what_a_person_waits_for_goes_first() -> None:
    queue = WorkQueue()
    queue.add(A)
    queue.add(B, first=True)
    assert [queue.take(), queue.take()] == [B, A]


def test_a_key_that_waits_may_still_become_one_of_the_first() -> None:
    queue = WorkQueue()
    queue.add(A)
    queue.add(B)
    queue.add(B, first=True)
    queue.add(B)
    assert [queue.take(), queue.take()] == [B, A]
    assert queue.load().waiting == 0


def test_a_key_that_a_person_changes_while_it_is_held_goes_first_when_it_comes_back() -> None:
    queue = WorkQueue()
    queue.add(B)
    assert queue.take() == B
    queue.add(A)
    queue.add(B, first=True)
    queue.add(B)
    queue.done(B)
    assert [queue.take(), queue.take()] == [B, A]


def test_a_key_added_while_it_is_held_comes_back_only_when_it_is_let_go() -> None:
    queue = WorkQueue()
    queue.add(A)
    assert queue.take() == A
    queue.add(A)
    queue.add(A)
    assert queue.load().waiting == 0, "a second worker must not get it now"
    queue.done(A)
    assert queue.load().waiting == 1
    assert queue.take() == A


def test_a_key_that_is_kept_from_workers_comes_when_it_is_let_go() -> None:
    queue = WorkQueue()
    with queue.holding(A):
        queue.add(A)
        assert queue.load().waiting == 0, "no worker may get it now"
        with queue.holding(A):
            pass
        assert queue.load().waiting == 0, "it was not this one's to let go"
    assert queue.take() == A
    with queue.holding(A):
        pass
    assert queue.load().held == 1, "a worker has it"
    queue.done(A)
    queue.add(A)
    with queue.holding(A):
        assert queue.take() == A, "it waited for a worker already"


def test_the_oldest_keys_are_told() -> None:
    queue = WorkQueue()
    queue.add(A)
    queue.add(B)
    assert queue.take() == A
    threading.Event().wait(0.05)
    load = queue.load()
    assert (load.waiting, load.held) == (1, 1)
    assert load.waiting_s >= 0.05
    assert load.held_s >= 0.05
    queue.done(A)
    assert queue.load().held_s == 0


def test_a_delayed_key_comes_by_itself_and_the_earliest_delay_wins() -> None:
    queue = WorkQueue()
    queue.add_after(A, 3600)
    queue.add_after(A, 0.01)
    assert queue.take() == A
    queue.done(A)
    assert queue.load().waiting == 0


def test_a_failed_key_comes_back() -> None:
    queue = WorkQueue()
    queue.add(A)
    taken = queue.take()
    assert taken == A
    queue.retry(A)
    queue.done(A)
    assert queue.take() == A


def test_closing_ends_a_worker_that_waits() -> None:
    queue = WorkQueue()
    taken: list[Key | None] = []
    worker = threading.Thread(target=lambda: taken.append(queue.take()))
    worker.start()
    queue.close()
    worker.join(60)
    assert taken == [None]


def test_workers_never_hold_the_same_key_together() -> None:
    queue, held, clashes, worked = WorkQueue(), set[Key](), list[Key](), list[Key]()
    lock = threading.Lock()
    keys = [Key("MlflowWorkspace", "n", str(number)) for number in range(5)]

    def work() -> None:
        while (key := queue.take()) is not None:
            with lock:
                if key in held:
                    clashes.append(key)
                held.add(key)
            with lock:
                held.discard(key)
                worked.append(key)
            queue.done(key)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for _ in range(200):
        for key in keys:
            queue.add(key)
    while queue.load().waiting:
        threading.Event().wait(0.001)
    queue.close()
    for worker in workers:
        worker.join(60)
    assert not clashes
    assert set(worked) == set(keys)


@given(st.integers(1, 10_000), st.floats(-1, 1))
def test_backoff_grows_to_its_limit(failures: int, jitter: float) -> None:
    wait = backoff(failures, jitter)
    assert 0 < wait <= BACKOFF_LIMIT_S * (1 + JITTER)
    assert backoff(failures + 1, jitter) >= wait
