"""How work is spread: in this process, over local processes, or over a Dask cluster.

The only room that knows. Everything else hands over a task and its items, and takes the results
as they come, in whatever order.
"""

from __future__ import annotations

from alkfish.execute.executor import Executor
from alkfish.execute.memory import keep_freed_memory
from alkfish.execute.opening import open_executor, warm_up

__all__ = ["Executor", "keep_freed_memory", "open_executor", "warm_up"]
