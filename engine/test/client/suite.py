"""Drives the engine with the real prisma-client-py, as LiteLLM does.

Run by client.test.mjs, with LiteLLM's schema in the database. With a folder as its argument, the engine has a
socket in it as in the gateway, by the gateway's own module. Each coroutine called `test_…` is
one test; its outcome is a line of JSON on standard output.
"""

import asyncio
import datetime
import json
import sys
import traceback
from pathlib import Path

from prisma import Base64, Json, Prisma, errors

MINUTE = datetime.timedelta(minutes=1)


async def fails(expected, awaitable):
    """The exception that it raises, which has to be of exactly that class."""
    try:
        await awaitable
    except Exception as error:
        assert type(error) is expected, f"{type(error).__name__} instead of {expected.__name__}: {error}"
        return error
    raise AssertionError(f"no {expected.__name__} was raised")


def team(name, **fields):
    return {"team_id": name, "members_with_roles": Json([]), "metadata": Json({}), **fields}


async def test_create_and_find_every_kind_of_field(db):
    until = datetime.datetime(2031, 2, 3, 4, 5, 6, 789000, tzinfo=datetime.timezone.utc)
    made = await db.litellm_verificationtoken.create(
        data={
            "token": "every-kind",
            "models": ["a", 'quo"te', "com,ma", ""],
            "spend": 0.1,
            "expires": until,
            "tpm_limit": 9007199254740993,
            "max_parallel_requests": 3,
            "blocked": False,
            "metadata": Json({"nested": {"list": [1, None, True, "x\u0001\n\"ü💥"]}}),
            "permissions": Json("just a string"),
        }
    )
    found = await db.litellm_verificationtoken.find_unique(where={"token": "every-kind"})
    assert found == made
    assert found.models == ["a", 'quo"te', "com,ma", ""]
    assert found.spend == 0.1 and found.expires == until
    assert found.tpm_limit == 9007199254740993 and found.max_parallel_requests == 3
    assert found.blocked is False and found.user_id is None and found.allowed_routes == []
    assert found.metadata == {"nested": {"list": [1, None, True, "x\u0001\n\"ü💥"]}}
    assert found.permissions == "just a string"
    assert found.aliases == {}


async def test_bytes_survive(db):
    content = bytes(range(256)) * 3
    made = await db.litellm_managedfilecontenttable.create(data={"content": Base64.encode(content)})
    found = await db.litellm_managedfilecontenttable.find_unique(where={"id": made.id})
    assert found.content.decode() == content


async def test_a_json_field_called_like_an_argument(db):
    await db.litellm_lens.create(data={"id": "lens", "data": Json({"data": "x", "where": ["y"]})})
    found = await db.litellm_lens.find_unique(where={"id": "lens"}, include={"reviews": True})
    assert found.data == {"data": "x", "where": ["y"]} and found.reviews == []
    await db.litellm_lens.update(
        where={"id": "lens"},
        data={"data": Json([]), "reviews": {"create": [{"criteria_key": "c", "execution_id": "e", "data": Json("text")}]}},
    )
    found = await db.litellm_lens.find_unique(where={"id": "lens"}, include={"reviews": True})
    assert found.data == [] and found.reviews[0].data == "text"
    assert await db.litellm_lens.count(where={"data": {"equals": Json([])}}) == 1


async def test_find_many_with_filters_order_and_pages(db):
    for n in range(5):
        await db.litellm_teamtable.create(
            data=team(f"page-{n}", team_alias="paged", models=["m", f"m{n}"], metadata=Json({"n": f"v{n}"}), spend=float(n))
        )
    where = {"team_alias": "paged"}
    page = await db.litellm_teamtable.find_many(where=where, order={"team_id": "desc"}, skip=1, take=2)
    assert [each.team_id for each in page] == ["page-3", "page-2"]
    by_list = await db.litellm_teamtable.find_many(where={**where, "models": {"has": "m4"}})
    assert [each.team_id for each in by_list] == ["page-4"]
    by_json = await db.litellm_teamtable.find_many(where={"metadata": {"path": ["n"], "string_contains": "v2"}})
    assert [each.team_id for each in by_json] == ["page-2"]
    combined = {"AND": [where, {"OR": [{"team_id": {"in": ["page-0"]}}, {"spend": {"gt": 3.5}}]}]}
    assert await db.litellm_teamtable.count(where=combined) == 2
    first = await db.litellm_teamtable.find_first(where=where, order={"spend": "desc"})
    assert first.team_id == "page-4"
    insensitive = {"team_alias": {"contains": "PAGE", "mode": "insensitive"}}
    assert await db.litellm_teamtable.count(where=insensitive) == 5


async def test_update_upsert_and_delete(db):
    await db.litellm_teamtable.create(data=team("changing", spend=1.0))
    changed = await db.litellm_teamtable.update(
        where={"team_id": "changing"},
        data={"spend": {"increment": 0.5}, "models": {"push": ["new"]}, "metadata": Json({"k": ["v"]})},
    )
    assert changed.spend == 1.5 and changed.models == ["new"] and changed.metadata == {"k": ["v"]}
    for expected in (1, 2):
        upserted = await db.litellm_teamtable.upsert(
            where={"team_id": "upserted"},
            data={"create": team("upserted", spend=1.0), "update": {"spend": {"increment": 1.0}}},
        )
        assert upserted.spend == expected
    assert await db.litellm_teamtable.update_many(where={"team_id": "changing"}, data={"blocked": True}) == 1
    assert (await db.litellm_teamtable.delete(where={"team_id": "changing"})).blocked is True
    assert await db.litellm_teamtable.delete_many(where={"team_id": "upserted"}) == 1
    assert await db.litellm_teamtable.find_unique(where={"team_id": "changing"}) is None


async def test_what_is_not_there_is_none(db):
    assert await db.litellm_teamtable.update(where={"team_id": "nobody"}, data={"spend": 1.0}) is None
    assert await db.litellm_teamtable.delete(where={"team_id": "nobody"}) is None
    await fails(errors.RecordNotFoundError, db.litellm_teamtable.find_unique_or_raise(where={"team_id": "nobody"}))


async def test_relations(db):
    budget = await db.litellm_budgettable.create(data={"created_by": "t", "updated_by": "t", "max_budget": 2.5})
    await db.litellm_teammembership.create(data={"user_id": "u", "team_id": "t", "budget_id": budget.budget_id})
    composite = {"user_id_team_id": {"user_id": "u", "team_id": "t"}}
    member = await db.litellm_teammembership.find_unique(where=composite, include={"litellm_budget_table": True})
    assert member.litellm_budget_table.max_budget == 2.5
    other_way = await db.litellm_budgettable.find_unique(
        where={"budget_id": budget.budget_id}, include={"team_membership": {"where": {"user_id": "u"}, "take": 1}}
    )
    assert [each.team_id for each in other_way.team_membership] == ["t"]
    found = await db.litellm_teammembership.find_many(where={"litellm_budget_table": {"is": {"max_budget": {"gte": 2}}}})
    assert len(found) == 1


async def test_nested_writes(db):
    made = await db.litellm_organizationtable.create(
        data={
            "organization_alias": "nested",
            "created_by": "t",
            "updated_by": "t",
            "litellm_budget_table": {
                "create": {"created_by": "t", "updated_by": "t", "model_max_budget": Json({"m": {"limit": "1"}})}
            },
        },
        include={"litellm_budget_table": True},
    )
    assert made.litellm_budget_table.model_max_budget == {"m": {"limit": "1"}}


async def test_create_many_and_group_by(db):
    rows = [{"request_id": f"r{n}", "call_type": "c", "startTime": datetime.datetime.now(), "endTime": datetime.datetime.now(),
             "model": f"m{n % 2}", "spend": 0.25, "metadata": Json({"n": str(n)})} for n in range(6)]
    assert await db.litellm_spendlogs.create_many(data=rows) == 6
    assert await db.litellm_spendlogs.create_many(data=rows, skip_duplicates=True) == 0
    groups = await db.litellm_spendlogs.group_by(by=["model"], sum={"spend": True}, count=True, order={"model": "asc"})
    assert groups == [
        {"model": "m0", "_sum": {"spend": 0.75}, "_count": {"_all": 3}},
        {"model": "m1", "_sum": {"spend": 0.75}, "_count": {"_all": 3}},
    ]
    assert (await db.litellm_spendlogs.find_unique(where={"request_id": "r3"})).metadata == {"n": "3"}


async def test_enums(db):
    made = await db.litellm_cronjob.create(data={"pod_id": "p", "status": "ACTIVE", "ttl": datetime.datetime.now()})
    assert made.status == "ACTIVE"
    assert await db.litellm_cronjob.count(where={"status": "INACTIVE"}) == 0


async def test_unique_violation(db):
    await db.litellm_teamtable.create(data=team("unique"))
    error = await fails(errors.UniqueViolationError, db.litellm_teamtable.create(data=team("unique")))
    assert error.code == "P2002" and error.meta["target"] == ["team_id"]


async def test_foreign_key_violation(db):
    wrong = {"user_id": "fk", "team_id": "fk", "budget_id": "no such budget"}
    error = await fails(errors.ForeignKeyViolationError, db.litellm_teammembership.create(data=wrong))
    assert error.code == "P2003"


async def test_missing_value_unknown_field_and_refused_text(db):
    await fails(errors.MissingRequiredValueError, db.litellm_budgettable.create(data={"created_by": "t"}))
    await fails(errors.FieldNotFoundError, db.litellm_teamtable.find_many(where={"no_such_field": 1}))
    error = await fails(errors.DataError, db.litellm_teamtable.create(data=team("nul", team_alias="\u0000")))
    assert 'PostgresError { code: "22021"' in str(error)


async def test_raw_queries_of_every_column_type(db):
    samples = {
        "text": ("'x'", "x"), "int4": ("7", 7), "int8": ("9007199254740993", 9007199254740993), "bool": ("true", True),
        "float8": ("0.5", 0.5), "jsonb": ("""'{"$type": "kept", "a": [1]}'""", {"$type": "kept", "a": [1]}),
        "timestamp": ("'2031-02-03 04:05:06.789'", "2031-02-03T04:05:06.789+00:00"),
        "timestamptz": ("'2031-02-03 04:05:06.789+05:30'", "2031-02-02T22:35:06.789+00:00"),
        "_text": ("array['a', null, 'b,c']", ["a", None, "b,c"]), "bytea": ("'\\x6869'", "aGk="),
        "varchar": ("'v'", "v"), "numeric": ("1.5", 1.5), "date": ("'2031-02-03'", "2031-02-03"),
        "int2": ("1", 1), "uuid": ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        "float4": ("0.5", 0.5),
    }
    used = await db.query_raw(
        "select distinct udt_name from information_schema.columns where table_schema = 'public' and udt_name <> 'JobStatus'"
    )
    names = {each["udt_name"] for each in used}
    assert names <= set(samples), names - set(samples)
    for name, (literal, expected) in samples.items():
        row = await db.query_first(f"select {literal}::{name} as value, null::{name} as nothing")
        assert row == {"value": expected, "nothing": None}, (name, row)


async def test_raw_queries_of_types_that_prisma_does_not_know(db):
    row = await db.query_first("""select array['n'::name] as names, 'ACTIVE'::"JobStatus" as status""")
    assert row == {"names": ["n"], "status": "ACTIVE"}
    for value, name in (("interval '1 day'", "interval"), ("pg_sleep(0)", "void"), ("'1 2'::int2vector", "int2vector")):
        error = await fails(errors.RawQueryError, db.query_raw(f"select {value} as value"))
        assert error.meta["code"] == "N/A" and f"column of type '{name}'" in str(error)


async def test_raw_numbers_keep_their_digits(db):
    row = await db.query_first(
        """select 12345678901234567890 as big, 1.0::float8 as one, 0.1::float8 + 0.2::float8 as sum, 'NaN'::float8 as nan,
        9223372036854775807 as most, '{"n": 12345678901234567890, "one": 1.0, "n2": 0.30000000000000004}'::jsonb as json"""
    )
    assert row == {"big": 12345678901234567890.0, "one": 1.0, "sum": 0.1 + 0.2, "nan": None, "most": 2**63 - 1,
                   "json": {"n": 12345678901234567890, "one": 1.0, "n2": 0.1 + 0.2}}
    assert type(row["one"]) is float and type(row["json"]["one"]) is float and type(row["json"]["n"]) is int


async def test_group_by_keeps_floats(db):
    await db.litellm_teamtable.create(data=team("sum-1", team_alias="summed", spend=1.0))
    await db.litellm_teamtable.create(data=team("sum-2", team_alias="summed", spend=2.0))
    groups = await db.litellm_teamtable.group_by(by=["team_alias"], where={"team_alias": "summed"}, sum={"spend": True})
    assert groups == [{"team_alias": "summed", "_sum": {"spend": 3.0}}] and type(groups[0]["_sum"]["spend"]) is float


async def test_a_long_answer_is_whole_and_in_order(db):
    text = 'x"\\\n\u00fc' * 300
    rows = [{"request_id": f"long-{n:04}", "call_type": "c", "startTime": datetime.datetime.now(), "endTime": datetime.datetime.now(),
             "user": "long", "spend": n / 8, "metadata": Json({"text": text, "n": n})} for n in range(2000)]
    for first in range(0, len(rows), 50):
        assert await db.litellm_spendlogs.create_many(data=rows[first : first + 50]) == 50
    found = await db.litellm_spendlogs.find_many(where={"user": "long"}, order={"request_id": "asc"})
    assert [each.request_id for each in found] == [each["request_id"] for each in rows]
    assert all(each.metadata == {"text": text, "n": n} and each.spend == n / 8 for n, each in enumerate(found))
    raw = await db.query_raw("""select request_id, metadata from "LiteLLM_SpendLogs" where "user" = $1 order by 1""", "long")
    assert [each["request_id"] for each in raw] == [each["request_id"] for each in rows]
    assert all(each["metadata"] == {"text": text, "n": n} for n, each in enumerate(raw))
    async with db.tx() as tx:
        assert len(await tx.litellm_spendlogs.find_many(where={"user": "long"}, skip=100)) == 1900
        assert await tx.litellm_spendlogs.delete_many(where={"user": "long"}) == 2000
        assert await tx.litellm_spendlogs.find_many(where={"user": "long"}) == []
    assert await db.litellm_spendlogs.find_many(where={"user": "long"}) == []


async def test_raw_parameters(db):
    row = await db.query_first(
        "select $1::text as t, $2::int as i, $3::float8 as f, $4::jsonb as j, $5::timestamp as at, $6::text[] as l,"
        " $7::bool as b, $8::bigint as big, $9::text as none, now() - $10::timestamptz < interval '1 minute' as soon",
        "ü'", 5, 0.5, json.dumps({"a": 1}), "2031-02-03T04:05:06.789000", ["a", "b"], True, 9007199254740993, None,
        datetime.datetime.now(datetime.timezone.utc),
    )
    assert row == {"t": "ü'", "i": 5, "f": 0.5, "j": {"a": 1}, "at": "2031-02-03T04:05:06.789+00:00", "l": ["a", "b"],
                   "b": True, "big": 9007199254740993, "none": None, "soon": True}


async def test_now_is_utc_as_the_client_writes_it(db):
    row = await db.query_first("select now()::timestamp as now")
    now = datetime.datetime.fromisoformat(row["now"])
    assert abs(datetime.datetime.now(datetime.timezone.utc) - now) < MINUTE


async def test_execute_raw_counts_rows(db):
    await db.litellm_teamtable.create(data=team("raw-1"))
    assert await db.execute_raw('update "LiteLLM_TeamTable" set spend = $1 where team_id like $2', 3.5, "raw-%") == 1
    assert await db.execute_raw("select pg_advisory_lock_shared($1::bigint)", 1) == 1


async def test_raw_errors(db):
    error = await fails(errors.RawQueryError, db.query_raw("select no_such_column"))
    assert error.code == "P2010" and error.meta["code"] == "42703" and "no_such_column" in str(error)
    await fails(errors.RawQueryError, db.execute_raw("select 1; select 2"))


async def test_batch_is_all_or_nothing(db):
    async with db.batch_() as batch:
        batch.litellm_teamtable.create(data=team("batch-1"))
        batch.litellm_teamtable.update(where={"team_id": "batch-1"}, data={"spend": {"increment": 2}})
        batch.execute_raw('update "LiteLLM_TeamTable" set blocked = true where team_id = $1', "batch-1")
    found = await db.litellm_teamtable.find_unique(where={"team_id": "batch-1"})
    assert found.spend == 2 and found.blocked is True
    batch = db.batch_()
    batch.litellm_teamtable.create(data=team("batch-2"))
    batch.litellm_teamtable.create(data=team("batch-1"))
    error = await fails(errors.UniqueViolationError, batch.commit())
    assert error.meta["target"] == ["team_id"]
    assert await db.litellm_teamtable.find_unique(where={"team_id": "batch-2"}) is None


async def test_transaction_commits_and_rolls_back(db):
    async with db.tx() as tx:
        await tx.litellm_teamtable.create(data=team("tx-1"))
        assert await db.litellm_teamtable.find_unique(where={"team_id": "tx-1"}) is None
        async with tx.batch_() as batch:
            batch.litellm_teamtable.create(data=team("tx-2"))
    assert await db.litellm_teamtable.count(where={"team_id": {"in": ["tx-1", "tx-2"]}}) == 2
    try:
        async with db.tx() as tx:
            await tx.litellm_teamtable.delete_many(where={"team_id": "tx-1"})
            raise KeyError
    except KeyError:
        pass
    assert await db.litellm_teamtable.find_unique(where={"team_id": "tx-1"}) is not None


async def test_errors_in_a_transaction_keep_their_class(db):
    await db.litellm_teamtable.create(data=team("tx-unique"))
    async with db.tx() as tx:
        error = await fails(errors.UniqueViolationError, tx.litellm_teamtable.create(data=team("tx-unique")))
        assert error.meta["target"] == ["team_id"]
        error = await fails(errors.RawQueryError, tx.query_raw("select 1"))
        assert error.meta["code"] == "25P02"
    async with db.tx() as tx:
        await fails(errors.RawQueryError, tx.query_raw("select no_such_column"))
    async with db.tx() as tx:
        wrong = {"user_id": "txfk", "team_id": "txfk", "budget_id": "no such budget"}
        await fails(errors.ForeignKeyViolationError, tx.litellm_teammembership.create(data=wrong))


async def test_an_expired_transaction_is_told_apart(db):
    brief = datetime.timedelta(milliseconds=100)
    tx = await db.tx(timeout=brief).start()
    await tx.litellm_teamtable.create(data=team("tx-expired"))
    await asyncio.sleep(0.4)
    await fails(errors.TransactionExpiredError, tx.litellm_teamtable.count())
    assert await db.litellm_teamtable.find_unique(where={"team_id": "tx-expired"}) is None
    manager = db.tx()
    tx = await manager.start()
    await manager.commit()
    await fails(errors.TransactionExpiredError, tx.litellm_teamtable.count())
    await fails(errors.TransactionExpiredError, manager.commit())


async def test_a_full_pool_refuses_a_transaction_and_recovers(db):
    managers = [db.tx(timeout=MINUTE) for _ in range(4)]
    for manager in managers:
        await manager.start()
    late = db.tx(max_wait=datetime.timedelta(milliseconds=100))
    await fails(errors.TransactionError, late.start())
    for manager in managers:
        await manager.rollback()
    for _ in range(6):
        async with db.tx() as tx:
            assert await tx.query_first("select 1 as one") == {"one": 1}


async def test_many_requests_at_once(db):
    counted = await asyncio.gather(*(db.litellm_teamtable.count() for _ in range(100)))
    assert len(set(counted)) == 1

    async def bump():
        async with db.batch_() as batch:
            batch.litellm_teamtable.update(where={"team_id": "bumped"}, data={"spend": {"increment": 1}})

    await db.litellm_teamtable.create(data=team("bumped"))
    await asyncio.gather(*(bump() for _ in range(50)))
    assert (await db.litellm_teamtable.find_unique(where={"team_id": "bumped"})).spend == 50


async def test_a_lost_connection_is_an_outage_and_mends_itself(db):
    sleeping = asyncio.create_task(db.query_raw("select pg_sleep(30)"))
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()"
    while not await db.query_raw(kill):
        await asyncio.sleep(0.05)
    error = await fails(errors.DataError, sleeping)
    assert error.code == "P1017" and "connection closed" in str(error)
    assert await db.query_first("select 1 as one") == {"one": 1}


async def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    async with Prisma() as db:
        for name, test in tests:
            outcome = {"test": name, "ok": True}
            try:
                await asyncio.wait_for(test(db), 30)
            except Exception:
                outcome = {"test": name, "ok": False, "why": traceback.format_exc()}
            print(json.dumps(outcome), flush=True)


if len(sys.argv) > 1:
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python/in_litellm"))
    import engine_socket

    engine_socket.FOLDER = sys.argv[1]
    engine_socket.have_client()

asyncio.run(main())
