"""Small tokenizers of the two families, trained here: the pipelines and special tokens of Qwen 3.5 and Gemma 4 on a few sentences.

`write(folder, family)` makes tokenizer.json, tokenizer_config.json and generation_config.json as the hub has them, beside the
chat_template.jinja that is kept in the folder. Only the vocabulary is small; whatever decides how text becomes tokens is as
in the real files. Needs `tokenizers` alone.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, trainers
from tokenizers.models import BPE

FAMILIES = ("qwen3.5", "gemma4")
CORPUS = [
    "You play 6 hands of Kuhn poker against one opponent. The deck is J, Q, K; K is highest, J lowest.",
    "You hold K. It's your turn: the other player bets 1 chip. CALL or FOLD?\nI hold K, so I CALL.\nCALL\n",
    "You hold J. It's your turn: the other player passed. PASS or BET?\n\nPASS\n",
    "Round 3 of 8. You COOPERATE, they DEFECT. Your score is 12, theirs 17.\nCOOPERATE or DEFECT?",
    "End with the action on the last line. thought user model system assistant",
]
# The split of Qwen 3.5: words with one sign before them, single digits, signs with the line breaks after them, space.
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|"
    r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def qwen(merges: int) -> Tokenizer:
    """Byte-level BPE after NFC; the thinking and tool markers are added tokens that are not marked as special."""
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=len(alphabet) + merges, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    markers = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
    words = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
    tokenizer.add_special_tokens(markers)
    tokenizer.add_tokens([AddedToken(word, normalized=False) for word in words])
    return tokenizer


GEMMA_FIRST = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
GEMMA_MARKERS = [
    *["<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>'],
    *["<|think|>", "<|channel>", "<channel|>", "<|turn>", "<turn|>"],
]


def gemma(merges: int) -> Tokenizer:
    """BPE over characters with bytes for unknown ones; spaces are written as low lines and text is not split at all."""
    learner = Tokenizer(BPE())
    learner.normalizer = normalizers.Replace(" ", "▁")
    learner.pre_tokenizer = pre_tokenizers.Split("▁", behavior="merged_with_next")
    learner.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=merges + 90, show_progress=False))
    learned = json.loads(learner.to_str())["model"]
    breaks = ["\n" * n for n in (2, 3)]
    letters = sorted(learned["vocab"], key=learned["vocab"].get)
    tokens = dict.fromkeys([*GEMMA_FIRST, *GEMMA_MARKERS, *breaks, *(f"<0x{byte:02X}>" for byte in range(256)), *letters])
    tokenizer = Tokenizer(
        BPE(
            vocab={token: i for i, token in enumerate(tokens)},
            merges=[tuple(pair) for pair in learned["merges"]],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([*GEMMA_FIRST, *GEMMA_MARKERS])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in breaks])
    return tokenizer


CONFIGS = {
    "qwen3.5": {"bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
    "gemma4": {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"},
}
# Tokens that end a reply, as `generation_config.json` lists them.
ENDS = {"qwen3.5": ["<|im_end|>", "<|endoftext|>"], "gemma4": ["<eos>", "<turn|>", "<|tool_response>"]}


def write(folder: Path, family: str, merges: int = 120, context: int = 4096) -> Tokenizer:
    """Writes the tokenizer files of `family` into a folder and returns its tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = {"qwen3.5": qwen, "gemma4": gemma}[family](merges)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": context, "clean_up_tokenization_spaces": False}
    generation = {"eos_token_id": [tokenizer.token_to_id(token) for token in ENDS[family]]}
    # Of one line, so that no formatter has an opinion about it.
    (folder / "tokenizer.json").write_text(tokenizer.to_str() + "\n", encoding="utf-8")
    for name, content in [("tokenizer_config", {**config, **CONFIGS[family]}), ("generation_config", generation)]:
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return tokenizer
