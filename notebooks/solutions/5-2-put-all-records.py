# ruff: noqa: F821
# Put all records, and only the rejected ones again. `check` and `cloud` come from the notebook.


def put_all(put, records):
    while records:
        part, rest = records[:500], records[500:]
        answers = put(part)["Records"]
        pairs = zip(part, answers, strict=True)
        rejected = [record for record, answer in pairs if "ErrorCode" in answer]
        # In production, wait a moment here, and longer after each further rejection.
        records = rejected + rest


check.exercise(cloud, "5-2", put_all)
