"""Opens what `sepo export` writes with the programs that it is written for.

    sepo train recipes/tabular/config.toml --out runs/tiny --set sepo.steps=3 --set evaluation.episodes=4
    python reference/read-exports.py runs/tiny

inspect_ai reads the log and makes data frames of it, pyarrow reads the Parquet file, TensorBoard reads the events. Each is compared with
the others or with the run's own files; the first difference ends the program with an error.
"""

import csv
import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet
from inspect_ai.analysis import evals_df, messages_df, samples_df
from inspect_ai.log import read_eval_log
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

SEPO = ["node", str(Path(__file__).parent.parent / "dist" / "cli" / "main.js")]


def export(kind: str, run: str, out: Path) -> Path:
    subprocess.run([*SEPO, "export", kind, run, "--out", str(out)], check=True)
    return out


def main(run: str) -> None:
    folder = Path(tempfile.mkdtemp())
    rows = list(csv.DictReader(export("csv", run, folder / "episodes.csv").open(newline="")))

    table = pyarrow.parquet.read_table(export("parquet", run, folder / "episodes.parquet"))
    assert table.num_rows == len(rows), (table.num_rows, len(rows))
    for name in rows[0]:
        column = table.column(name).to_pylist()
        kind = type(column[0])
        assert [kind(row[name]) for row in rows] == column, name
    decisions = [json.loads(text) for text in table.column("decisions_json").to_pylist()]
    assert [len(one) for one in decisions] == table.column("decisions").to_pylist()
    print(f"pyarrow {version('pyarrow')}: {table.num_rows} rows, {table.num_columns} columns, equal to the CSV")

    logs = folder / "logs"
    logs.mkdir()
    path = export("inspect", run, logs / "2026-11-28T12-00-00+00-00_sepo_run.json")
    log = read_eval_log(str(path))
    assert log.status == "success" and len(log.samples) == len(rows)
    evals, samples, messages = evals_df(str(logs)), samples_df(str(logs)), messages_df(str(logs))
    assert len(evals) == 1 and len(samples) == len(rows)
    assert sorted(samples["score_payoff"]) == sorted(float(row["payoff"]) for row in rows)
    print(
        f"inspect_ai {version('inspect_ai')}: {len(evals)} evaluation, {len(samples)} samples, {len(messages)} messages; "
        f"mean payoff {samples['score_payoff'].mean():.4f}"
    )

    events = export("tensorboard", run, folder / "tensorboard")
    lines = [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]
    for stage in sorted({line["stage"] for line in lines}):
        accumulator = EventAccumulator(str(events / stage))
        accumulator.Reload()
        own = [line for line in lines if line["stage"] == stage]
        tags = sorted({key for line in own for key in line if key not in ("stage", "step")})
        assert sorted(accumulator.Tags()["scalars"]) == tags, stage
        for tag in tags:
            found = [(event.step, event.value) for event in accumulator.Scalars(tag)]
            written = [(line["step"], line[tag]) for line in own if tag in line]
            assert [step for step, _ in found] == [step for step, _ in written], tag
            assert all(abs(a - b) <= 1e-6 * max(1, abs(b)) for (_, a), (_, b) in zip(found, written)), tag
        print(f"tensorboard {version('tensorboard')}: {stage}, {len(own)} steps, {len(tags)} scalars, equal to metrics.jsonl")


if __name__ == "__main__":
    main(sys.argv[1])
