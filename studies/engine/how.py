"""How a run is to be carried out, as the command line gives it; it changes no number."""

from dataclasses import dataclass

from studies.cell import Block


@dataclass(frozen=True)
class How:
    """How a run is to be carried out; changes no number.

    devices : int or None, local devices to spread tiles over; None is all, on a CPU one
    workers : int, processes on this machine; 0 computes in this process
    cluster : address of a Dask scheduler, or a YAML file for dask-jobqueue
    timeout : seconds after which the worker of a block is taken to hang; None is never
    shard : (i, n), compute only every n-th block, from the i-th; 1 <= i <= n
    programs : folder in which compiled programs are kept, or "off"; see `studies.engine.programs`
    """

    devices: int | None = None
    workers: int = 0
    cluster: str | None = None
    timeout: float | None = None
    shard: tuple[int, int] = (1, 1)
    programs: str | None = None

    @classmethod
    def read(
        cls,
        devices: str | None,
        workers: str | None,
        cluster: str | None,
        timeout: str | None,
        shard: str | None,
        programs: str | None = None,
    ) -> "How":
        """From the text of the command line; ValueError in one line."""
        if (workers or cluster) and devices:
            raise ValueError(
                "--devices spreads tiles inside one process; with --workers or --cluster every process uses "
                "its first device: give each its own, as by CUDA_VISIBLE_DEVICES"
            )
        if workers and cluster:
            raise ValueError("--workers starts processes here and --cluster uses others; give one of them")
        if timeout and not (workers or cluster):
            raise ValueError("--timeout replaces workers that hang; it needs --workers or --cluster")
        numbers = {}
        for name, text, kind in (
            ("devices", devices, int),
            ("workers", workers, int),
            ("timeout", timeout, float),
        ):
            try:
                whole = name == "devices" and text == "all"
                numbers[name] = None if text is None or whole else kind(text)
            except ValueError:
                raise ValueError(f"{name} is {text!r}; need a number >= 1") from None
            if numbers[name] is not None and not 1 <= numbers[name] < float("inf"):
                raise ValueError(f"{name} is {text!r}; need a number >= 1")
        i, slash, n = (shard or "1/1").partition("/")
        if not (slash and i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n)):
            raise ValueError(f"shard is {shard!r}; need i/n with 1 <= i <= n, as 3/10")
        return cls(
            -1 if devices == "all" else numbers["devices"],
            numbers["workers"] or 0,
            cluster,
            numbers["timeout"],
            (int(i), int(n)),
            programs,
        )

    @property
    def processes(self) -> int:
        """That compute at once, as far as that is known beforehand."""
        return max(self.workers, 1)

    def share(self, blocks: list[Block]) -> list[Block]:
        """The blocks of this shard; it does not depend on what is finished."""
        i, n = self.shard
        return blocks[i - 1 :: n]
