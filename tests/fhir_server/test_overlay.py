from __future__ import annotations

import pytest

from bedside.fhir_server import overlay
from tests.fhir_server.charts import call, chart, ids, weight


def test_pages_show_what_there_was_at_the_first_whatever_is_written_between() -> None:
    mine = chart()
    made = [call(mine, "POST", "Observation", weight(70 + n))[1]["id"] for n in range(3)]
    url, seen = "Observation?patient=p1&_count=1", []
    while url:
        _, bundle = call(mine, "GET", url)
        seen += ids(bundle)
        for id in made:
            call(mine, "PUT", f"Observation/{id}", {**weight(1), "id": id})
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    assert seen == made


@pytest.mark.parametrize("written", [overlay.MANY - 1, overlay.MANY + 1, 3 * overlay.MANY])
def test_what_was_written_is_found_however_much_it_is(written: int) -> None:
    mine = chart()
    made = [
        call(mine, "POST", "Observation", weight(n + 1, patient=f"p{n % 2 + 1}"))[1]["id"]
        for n in range(written)
    ]
    assert ids(call(mine, "GET", "Observation?patient=p1")[1]) == made[::2]
    moved, gone = made[1], made[2]
    call(mine, "PUT", f"Observation/{moved}", {**weight(5), "id": moved})
    call(mine, "DELETE", f"Observation/{gone}")
    found = ids(call(mine, "GET", "Observation?patient=p1,p3&code=29463-7")[1])
    assert found == [made[0], moved, *made[4::2]]
    fork = mine.fork()
    call(fork, "DELETE", f"Observation/{made[0]}")
    assert ids(call(fork, "GET", "Observation?patient=p1")[1]) == found[1:]
    assert ids(call(mine, "GET", "Observation?patient=p1")[1]) == found
