# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Threads that work side by side, a bounded number of them, and one voice.

Private to this collection. Only the main thread speaks to the user and notices that the run is to end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Queue
from threading import Event
from typing import Generic, TypeVar

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime

Item = TypeVar("Item")
News = TypeVar("News")


class Crew(Generic[News]):
    """Workers for the clusters of one task.

    Args:
        runtime: time, and whether anyone still waits.

    Attributes:
        runtime: the same for the threads: it tells them when the work was called off, and lets them sleep in small
            steps, so that they end soon then.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._stop = Event()
        self._news: Queue[News] = Queue()
        self._sleep_step = runtime.sleep
        self.runtime = runtime.but(stopped=self._stop.is_set, sleep=self._sleep)

    @property
    def called_off(self) -> bool:
        """Whether the work was called off."""
        return self._stop.is_set()

    def tell(self, news: News) -> None:
        """Tell the main thread something."""
        self._news.put(news)

    def work(
        self,
        items: Sequence[Item],
        job: Callable[[Item], None],
        *,
        at_a_time: int,
        hear: Callable[[News], bool],
        quiet: Callable[[], None],
        patience: float,
    ) -> None:
        """Do a job for each item, and hear the news of it until the last one is through.

        Whatever ends the wait early (an interrupt, the task's time limit) calls the threads off before it is passed on:
        each stops before its next request.

        Args:
            items: what there is to do; at least one.
            job: does one, in a thread; ends with news.
            at_a_time: how many threads there are at most.
            hear: takes news in the main thread; whether they end an item.
            quiet: is called when there was no news for a while.
            patience: how long that while is, in seconds.
        """
        with ThreadPoolExecutor(min(at_a_time, len(items)), "crew") as pool:
            try:
                futures = [pool.submit(job, item) for item in items]
                through = 0
                while through < len(items):
                    try:
                        through += hear(self._news.get(timeout=patience))
                    except Empty:
                        for future in futures:
                            if future.done():
                                future.result()  # a thread that died without news would be waited for in vain
                        quiet()
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _sleep(self, seconds: float) -> None:
        while seconds > 0 and not self._stop.is_set():
            step = min(seconds, 1.0)
            self._sleep_step(step)
            seconds -= step
