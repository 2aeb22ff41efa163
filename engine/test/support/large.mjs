// @ts-check
// Rows of 3 kB, ten thousand of them, and the requests that read them.

export const LARGE_TABLE = `
  create type "Kind" as enum ('CAT', 'DOG');
  create type "Size" as enum ('s', 'LARGE');
  create table "Owner" (id text primary key, name text unique, data jsonb not null default '{}', "where" jsonb,
    big bigint, tags text[], lists jsonb[], other_name text, price numeric, ratio float8, at timestamp, raw bytea, sure bool[]);
  create table "Pet" (id serial primary key, owner_id text references "Owner"(id), traits jsonb not null default '{}',
    kind "Kind" not null default 'CAT', kinds "Kind"[], size "Size");
  insert into "Owner" (id, name, data, big, tags, ratio, at)
    select to_char(n, 'FM00000'), 'name ' || n,
      jsonb_build_object('n', n, 'messages', (select jsonb_agg(jsonb_build_object('role', 'user', 'content', repeat(md5(n::text || m), 9))) from generate_series(1, 9) m)),
      9007199254740993 + n, array['a', 'b"' || n], n / 8.0, timestamp '2031-02-03 04:05:06.789' + n * interval '1 s'
    from generate_series(1, 10000) n;
  insert into "Pet" (owner_id, traits) select id, '{"x": 1}' from "Owner";
  analyze;`;

const body = (query) => JSON.stringify({ query, variables: {} });
const FIELDS = 'id name data where big tags lists ratio at';

export const OWNERS = (take) => body(`query { result: findManyOwner(take: ${take}, orderBy: [{ id: asc }]) { ${FIELDS} } }`);
export const OWNERS_WITH_PETS = (take) =>
  body(`query { result: findManyOwner(take: ${take}, orderBy: [{ id: asc }]) { ${FIELDS} pets { id traits } } }`);
export const RAW_OWNERS = (take) =>
  body(`mutation { result: queryRaw(query: "select id, data, big, ratio, at from \\"Owner\\" order by id limit ${take}", parameters: "[]") }`);

const list = (values) => values.map((value) => JSON.stringify(value)).join(',');
const text = (n) => JSON.stringify(JSON.stringify({ n, text: `${n} ü💥"\\`.repeat(300) }));

/** Writes as many new owners, each of 3 kB. */
export const CREATE_OWNERS = (from, to) =>
  body(`mutation { result: createManyOwner(data: [${Array.from({ length: to - from }, (_, n) => `{ id: "new${from + n}", data: ${text(from + n)} }`).join(',')}]) { count } }`);
/** Looks for as many owners by their names, of which each has one. */
export const NAMED_OWNERS = (names) =>
  body(`query { result: findManyOwner(where: { id: { in: [${list(Array.from({ length: names }, (_, n) => String(n + 1).padStart(5, '0')))}] } }) { id ratio } }`);
