"""Cuts the bytes of a log into whole lines."""

from access_log import MAX_LINE_BYTES


def whole_lines(
    chunk: bytes, skipping: bool, limit: int
) -> tuple[list[tuple[int, bytes]], int, bool]:
    r"""Cut a chunk into whole lines. A line over 8192 bytes is handed out before it has ended.

    Args:
        chunk: bytes of a log.
        skipping: whether the chunk begins in a line that has been handed out already.
        limit: how many lines are wanted at most.

    Returns:
        The lines (where each begins in the chunk; its bytes, at most 8193), how many of the
        chunk's bytes are done with, and whether what follows belongs to a line handed out.

    Example:
        >>> whole_lines(b"a\nb\nunfinished", False, 500)
        ([(0, b'a'), (2, b'b')], 4, False)
    """
    start = 0
    if skipping:
        start = chunk.find(b"\n") + 1
        if start == 0:
            return [], len(chunk), True
    lines: list[tuple[int, bytes]] = []
    while len(lines) < limit:
        end = chunk.find(b"\n", start)
        if end < 0:
            if len(chunk) - start <= MAX_LINE_BYTES:
                break
            lines.append((start, chunk[start : start + MAX_LINE_BYTES + 1]))
            return lines, len(chunk), True
        lines.append((start, chunk[start : min(end, start + MAX_LINE_BYTES + 1)]))
        start = end + 1
    return lines, start, False
