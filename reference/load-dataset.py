"""Loads a release of `sepo data --release FOLDER` with `datasets`, checks it against its manifest, and trains on it with TRL.

    PYTHON reference/load-dataset.py FOLDER

Every configuration of the card is loaded by name and counted; files have the manifest's hashes; no episode is in two splits; answers end
with the action. Then `SFTTrainer` does two steps of a random model on the column `messages`, with the tokenizer and chat template of
`src/text/golden/qwen3.5`. Exits with 1 at a difference.
"""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_CACHE"] = tempfile.mkdtemp(prefix="sepo-datasets-")

import datasets
import transformers
import trl
from trl.data_utils import is_conversational

SPLITS = ("train", "validation")


def check(condition, text):
    if not condition:
        sys.exit(f"load-dataset.py: {text}")


def expected_counts(manifest):
    """Examples per configuration and split."""
    counts = {}
    for name, games in manifest["sets"].items():
        total = dict.fromkeys(SPLITS, 0)
        for game, entry in games.items():
            own = {Path(path).stem: file["examples"] for path, file in entry["files"].items()}
            counts[f"{name}-{game}"] = own
            for split in SPLITS:
                total[split] += own[split]
        counts[name] = total
    return counts


def check_files(folder, manifest):
    for games in manifest["sets"].values():
        for entry in games.values():
            for path, file in entry["files"].items():
                found = hashlib.sha256((folder / path).read_bytes()).hexdigest()
                check(found == file["sha256"], f"{path}: SHA-256 {found}, the manifest says {file['sha256']}")


def check_examples(name, data):
    episodes = {split: set(zip(data[split]["game"], data[split]["episode"])) for split in SPLITS}
    check(not episodes["train"] & episodes["validation"], f"{name}: an episode is in both splits")
    for split in SPLITS:
        for example in data[split]:
            roles = [message["role"] for message in example["messages"]]
            check(roles == ["system", "user", "assistant"], f"{name}: roles {roles}")
            last = example["messages"][2]["content"].splitlines()[-1]
            check(last == example["action"], f"{name}: the answer ends with {last}, the action is {example['action']}")


def train(data):
    """Two steps of TRL's trainer with a random model; returns the loss."""
    tokenizer = transformers.AutoTokenizer.from_pretrained("src/text/golden/qwen3.5")
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2
    )
    arguments = trl.SFTConfig(
        output_dir=tempfile.mkdtemp(prefix="sepo-sft-"),
        max_steps=2,
        per_device_train_batch_size=4,
        use_cpu=True,
        bf16=False,
        report_to="none",
        logging_strategy="no",
        disable_tqdm=True,
        save_strategy="no",
    )
    trainer = trl.SFTTrainer(
        model=transformers.LlamaForCausalLM(config), args=arguments, train_dataset=data, processing_class=tokenizer
    )
    return trainer.train().training_loss


def main():
    datasets.disable_progress_bars()
    check(len(sys.argv) == 2, "usage: load-dataset.py FOLDER")
    folder = Path(sys.argv[1])
    manifest = json.loads((folder / "manifest.json").read_text())
    check_files(folder, manifest)
    counts = expected_counts(manifest)
    names = datasets.get_dataset_config_names(str(folder))
    check(sorted(names) == sorted(counts), f"configurations {names}, expected {sorted(counts)}")
    for name in names:
        data = datasets.load_dataset(str(folder), name)
        found = {split: len(data[split]) for split in SPLITS}
        check(found == counts[name], f"{name}: {found}, the manifest says {counts[name]}")
        check_examples(name, data)
        check(is_conversational(data["train"][0]), f"{name}: not TRL's conversational form")
        print(f"{name}: {found['train']} train, {found['validation']} validation")
    default = datasets.load_dataset(str(folder))
    check(len(default["train"]) == counts["corrected"]["train"], "the default is not the configuration `corrected`")
    loss = train(default["train"].select(range(16)))
    print(f"SFTTrainer: two steps, loss {loss:.3f}")
    print(f"datasets {datasets.__version__}, trl {trl.__version__}, transformers {transformers.__version__}")


main()
