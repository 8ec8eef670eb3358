"""How long is waited: until it comes, until patience ends, and not at all for what is hopeless."""

from __future__ import annotations

import asyncio
import time

import pytest

from lab.net.patience import LIVE, PLAYED, PLAYED_IN_CONTAINERS, PLAYED_OVER_BAD_LINES, Patience, comes


async def test_what_comes_is_not_waited_for_longer() -> None:
    awaited = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.01, awaited.set_result, None)
    assert await comes(awaited, 5)


async def test_patience_ends() -> None:
    began = time.perf_counter()
    assert not await comes(asyncio.get_running_loop().create_future(), 0.05)
    assert 0.04 < time.perf_counter() - began < 2


async def test_what_is_hopeless_is_given_up_early_and_what_is_not_is_not() -> None:
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    assert not await comes(loop.create_future(), 30, lambda: True)
    assert time.perf_counter() - began < 5
    awaited = loop.create_future()
    loop.call_later(0.1, awaited.set_result, None)
    assert await comes(awaited, 30, lambda: False)


async def test_where_nothing_is_known_nothing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One wait, and not one for each hundredth of a second."""
    waits, wait = [], asyncio.wait
    monkeypatch.setattr(asyncio, "wait", lambda *given, **options: waits.append(1) or wait(*given, **options))  # type: ignore[func-returns-value]
    assert not await comes(asyncio.get_running_loop().create_future(), 0.05)
    assert len(waits) == 1
    assert not await comes(asyncio.get_running_loop().create_future(), 0.05, lambda: False)
    assert len(waits) > 2, "the control"


def test_in_a_lab_that_people_work_with_nothing_is_known_to_be_hopeless() -> None:
    assert PLAYED.known(lambda: True)()
    assert not LIVE.known(lambda: True)()


async def test_a_busy_loop_does_not_make_what_came_hopeless() -> None:
    """The connection stands at once; the loop that is to notice it has no time for longer than anybody waits."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connecting = asyncio.ensure_future(asyncio.open_connection("127.0.0.1", port))
    asyncio.get_running_loop().call_soon(time.sleep, 0.2)
    assert await comes(connecting, 0.1, lambda: True)
    writer = connecting.result()[1]
    writer.close()
    await writer.wait_closed()
    server.close()


@pytest.mark.parametrize("patience", [LIVE, PLAYED_IN_CONTAINERS, PLAYED_OVER_BAD_LINES])
def test_a_relay_can_say_that_it_waits_in_vain(patience: Patience) -> None:
    """Its connection is given up before its own sender, who began to wait a moment earlier, gives up the reply."""
    assert patience.connect + 2 < patience.reply
    assert patience.on_lab_clock == (patience is not LIVE)
