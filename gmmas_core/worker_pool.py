"""One piece of work per item, in processes: what one item does to its process costs no other item anything."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import torch

Item = TypeVar("Item")
Done = TypeVar("Done")


def in_processes(
    work: Callable[[Item], Done], items: Sequence[Item], workers: int, lost: Callable[[Item], Done]
) -> Iterator[Done]:
    """Work on all items in one pool; when a process dies, those it took along get a pool of their own, one by one.

    Args:
        work: picklable; what it raises ends everything.
        items: picklable.
        workers: processes, each with one torch thread.
        lost: what is said of an item whose own process died.

    Yields:
        One result per item, in the order in which they are finished.
    """
    unfinished = dict(enumerate(items))
    try:
        for number, done in _pool(work, unfinished, workers):
            del unfinished[number]
            yield done
    except BrokenProcessPool:
        for number, item in unfinished.items():
            try:
                for _, done in _pool(work, {number: item}, 1):
                    yield done
            except BrokenProcessPool:
                yield lost(item)


def _pool(work: Callable[[Item], Done], items: Mapping[int, Item], workers: int) -> Iterator[tuple[int, Done]]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool:
        number_of = {pool.submit(work, item): number for number, item in items.items()}
        try:
            for future in as_completed(number_of):
                yield number_of[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start_worker() -> None:
    """One thread for computing, and one that ends the process with the one that started it.

    A killed parent closes nothing: its workers would wait for work for ever, half a gigabyte each.
    """
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
