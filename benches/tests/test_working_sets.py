"""What guests say of each service's memory, and the file that it goes into."""

from __future__ import annotations

import datetime
import tomllib

import pytest

from ai_gateway_benches.working_sets import guests, measured

SAID = "".join(f"# real, tiny: {service} needs {number} bytes\n" for number, service in enumerate(measured.SERVICES))


def test_each_service_s_need_is_read() -> None:
    found = measured.needs("ok - something\n" + SAID + "# real, small: nginx needs 7 bytes\n", "tiny")
    assert found == {"postgres": 0, "litellm": 1, "open-webui": 2, "nginx": 3}


def test_a_service_that_is_missing_is_an_error() -> None:
    with pytest.raises(SystemExit, match="the guest of profile tiny has not said"):
        measured.needs(SAID.replace("nginx", "other"), "tiny")


def test_there_is_a_guest_for_each_profile() -> None:
    assert tuple(guests.GUESTS) == measured.PROFILES


def test_the_file_is_what_is_written_of_its_values() -> None:
    written = measured.FILE.read_text()
    known = tomllib.loads(written)
    day = datetime.date.fromisoformat(known["date"])
    assert measured.text(known, day, known["seconds"]) == written
