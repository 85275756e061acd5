"""The text half of the Gemma 4 E4B layout, with its tokenizer."""

from __future__ import annotations

import json

from .common import CORPUS, Family

# At the start of the vocabulary, so that <pad>, <eos> and <bos> are 0, 1 and 2.
GEMMA_ADDED = (
    "<pad>",
    "<eos>",
    "<bos>",
    "<unk>",
    "<mask>",
    "<|turn>",
    "<turn|>",
    "<|channel>",
    "<channel|>",
    "<|think|>",
    "<|tool>",
    "<tool|>",
    "<|tool_call>",
    "<tool_call|>",
    "<|tool_response>",
    "<tool_response|>",
    '<|"|>',
    "<|image>",
    "<image|>",
    "<|image|>",
    "<|audio>",
    "<audio|>",
    "<|audio|>",
    "<|video|>",
)


def gemma_tokenizer(vocab_size: int):
    """A BPE tokenizer with byte fallback and the pipeline of Gemma 4."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
    from tokenizers import pre_tokenizers, processors, trainers

    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    printable = {chr(code) for code in range(0x21, 0x7F)} | {"\n", "\t", "\u2581"}

    # Merges are learned inside words; spaces have become U+2581 by then, as in the result.
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.Replace(" ", "\u2581")
    learner.pre_tokenizer = pre_tokenizers.Split("\u2581", behavior="merged_with_next")
    learner.train_from_iterator(
        CORPUS.splitlines(keepends=True),
        trainers.BpeTrainer(
            vocab_size=vocab_size - len(GEMMA_ADDED) - len(byte_tokens),
            min_frequency=2,
            initial_alphabet=sorted(printable),
            show_progress=False,
        ),
    )
    learned = json.loads(learner.to_str())["model"]
    pieces = sorted(learned["vocab"], key=learned["vocab"].get)
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in learned["merges"]]

    vocab: dict[str, int] = {}
    for piece in [*GEMMA_ADDED, *byte_tokens, *pieces]:
        vocab.setdefault(piece, len(vocab))
    tokenizer = Tokenizer(
        models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous", invert=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.add_tokens([AddedToken(text, special=True, normalized=False) for text in GEMMA_ADDED])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A",
        pair="<bos> $A <bos> $B:1",
        special_tokens=[("<bos>", vocab["<bos>"])],
    )
    return tokenizer


# Configurations are written as the published folders have them, not as the installed version
# of transformers would write them, so that older and newer versions read them.


def gemma_files(tokenizer, context: int) -> dict[str, dict]:
    """The JSON files beside the weights of the Gemma 4 model."""
    token = tokenizer.token_to_id
    vocab_size = tokenizer.get_vocab_size()
    text = {
        "model_type": "gemma4_text",
        "dtype": "float32",
        "vocab_size": vocab_size,
        "vocab_size_per_layer_input": vocab_size,
        "hidden_size": 64,
        "hidden_size_per_layer_input": 8,
        "intermediate_size": 128,
        "use_double_wide_mlp": False,
        "num_hidden_layers": 6,
        "layer_types": ["sliding_attention", "sliding_attention", "full_attention"] * 2,
        "num_kv_shared_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_global_key_value_heads": None,
        "head_dim": 16,
        "global_head_dim": 32,
        "attention_k_eq_v": False,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "sliding_window": 512,
        "use_bidirectional_attention": None,
        "final_logit_softcapping": 30.0,
        "hidden_activation": "gelu_pytorch_tanh",
        "rms_norm_eps": 1e-6,
        "initializer_range": 0.02,
        "max_position_embeddings": context,
        "rope_parameters": {
            "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
            "full_attention": {
                "rope_type": "proportional",
                "rope_theta": 1_000_000.0,
                "partial_rotary_factor": 0.25,
            },
        },
        "enable_moe_block": False,
        "num_experts": None,
        "top_k_experts": None,
        "moe_intermediate_size": None,
        "tie_word_embeddings": True,
        "use_cache": True,
        "bos_token_id": token("<bos>"),
        "eos_token_id": token("<eos>"),
        "pad_token_id": token("<pad>"),
    }
    config = {
        "architectures": ["Gemma4ForConditionalGeneration"],
        "model_type": "gemma4",
        "dtype": "float32",
        "text_config": text,
        "vision_config": None,
        "audio_config": None,
        "image_token_id": token("<|image|>"),
        "boi_token_id": token("<|image>"),
        "eoi_token_id": token("<image|>"),
        "audio_token_id": token("<|audio|>"),
        "boa_token_id": token("<|audio>"),
        "eoa_token_index": token("<audio|>"),
        "video_token_id": token("<|video|>"),
        "initializer_range": 0.02,
        "tie_word_embeddings": True,
        "eos_token_id": [token("<eos>"), token("<turn|>")],
    }
    generation = {
        "do_sample": True,
        "bos_token_id": token("<bos>"),
        "eos_token_id": [token("<eos>"), token("<turn|>")],
        "pad_token_id": token("<pad>"),
    }
    tokenizer_config = {
        "tokenizer_class": "GemmaTokenizer",
        "backend": "tokenizers",
        "bos_token": "<bos>",
        "eos_token": "<eos>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
        "padding_side": "left",
        "clean_up_tokenization_spaces": False,
        "model_max_length": context,
    }
    return {
        "config.json": config,
        "generation_config.json": generation,
        "tokenizer_config.json": tokenizer_config,
    }


GEMMA = Family("gemma4", "Gemma4ForConditionalGeneration", gemma_tokenizer, gemma_files)
