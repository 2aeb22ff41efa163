async def create_missing_views(db):
    try:
        await db.query_raw("""SELECT 1 FROM "OneView" LIMIT 1""")
    except Exception:
        await db.execute_raw("""CREATE VIEW "OneView" AS SELECT a FROM "One";""")
