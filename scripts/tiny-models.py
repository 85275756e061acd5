#!/usr/bin/env python3
"""Makes tiny, randomly initialised models for testing against real training servers.

Two folders in Hugging Face layout are written, without any download:

* ``tiny-qwen3.5``: the Qwen 3.5 dense layout (three gated-delta-net layers to one
  full-attention layer, tied embeddings, a vision tower of one block so that the
  checkpoint has the key names of the published ones), with a byte-level BPE tokenizer;
* ``tiny-gemma4``: the text half of the Gemma 4 E4B layout (per-layer embeddings, key and
  value sharing, sliding and global layers with their own head sizes and rotary bases,
  capped logits), with a byte-fallback BPE tokenizer.

Both tokenizers are trained here on a small English text, and both chat templates follow
the structure of the published ones (roles, thinking, tool calls). The weights are random:
the models know nothing, but every server treats them as it treats the real ones, in a few
megabytes of memory.

The same seed and the same library versions give the same bytes. Needs ``torch``,
``transformers`` (5.8 or newer), ``tokenizers`` and ``safetensors``::

    python tiny-models.py --out models
    python tiny-models.py --out models --family qwen3.5 --seed 7
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import sys
import zlib
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

FAMILIES = ("qwen3.5", "gemma4")

# ---------------------------------------------------------------------------------------
# The text that the tokenizers are trained on.

CORPUS = """\
You are a player in a board game. Choose your next move and answer with one line.
It is your turn. The legal moves are: a1, a2, a3, b1, b2, b3, c1, c2, c3.
The board has three rows and three columns. You play X and your opponent plays O.
Think about what the other player wants before you answer.
I choose b2 because the centre of the board touches every line.
My move is c3. Your move is a1. The game is over and nobody has won.
The first player to get three marks in a row wins the game.
The game ends in a draw when the board is full and no line is complete.
Player one takes two stones from the heap. Player two takes one stone.
Whoever takes the last stone loses, so leave your opponent with exactly one.
There are 21 stones left on the table, and you may take 1, 2 or 3 of them.
Let me count: 21 minus 3 is 18, 18 minus 2 is 16, and 16 minus 4 is 12.
In this round every player writes down a number between 0 and 100 in secret.
The player whose number is closest to half of the average receives one point.
If both players cooperate, each receives 3 points; if both defect, each receives 1 point.
If one cooperates and the other defects, the first receives 0 and the second receives 5.
I do not trust you yet, but I will cooperate in the first round and then copy your move.
The village sleeps. The werewolves open their eyes and choose a player to remove.
The seer may look at the card of one player during the night.
In the morning everyone wakes up, and the players discuss who the werewolves might be.
I think that Alice is lying, because she said that she had seen the card of Bob.
Bob votes against Carol, Carol votes against Bob, and Alice does not vote.
You have been dealt the queen of hearts. The pot holds 12 chips and it costs 2 to call.
Fold, call or raise? I raise to 6 chips. The opponent folds and I take the pot.
The offer on the table is four apples and two books for one hat.
I would accept three apples, but I need the hat more than you do.
That is not a legal move. Please try again with one of the moves in the list.
The answer must be given in the form: move: followed by the name of the move.
move: a1
move: b2
move: c3
action: take 2
action: pass
vote: Alice
number: 33
The system message says what the rules are, and the user message says what has happened.
The assistant answers with the reason first and with the chosen action at the end.
What is the best reply to this position, and why is it better than the others?
If I play there, then you will block me; if you play here, then I will have two threats.
This is a simple question with a short answer. Yes. No. Maybe. I am not sure.
Hello! How are you today? I am fine, thank you. Shall we play another game?
We won the last game, they lost it, and it's time for the next one.
Don't worry, I'll explain the rules again: they're easy, and you've seen them before.
The quick brown fox jumps over the lazy dog while the small cat watches from the window.
A good strategy is one that would still be good if the opponent knew about it.
The score after ten rounds is 24 to 18, and the reward for this episode is 1.
The learning rate is 0.0001, the batch has 64 games, and the loss is falling slowly.
Name: tic tac toe. Players: 2. Turns: alternating. Information: perfect. Reward: zero sum.
{"move": "b2", "reason": "it blocks the diagonal", "confidence": 0.75}
[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
<answer>b2</answer>
# Rules
* Players move one after the other.
* A player who cannot move loses the game.
- North, east, south and west are the four directions in which a piece can move.
Where should we go from here? Go north twice, then east, and then open the door.
The room is dark. There is a lamp on the floor and a key under the old carpet.
You take the key. You open the door with the key. Behind the door there is a garden.
Nothing happens. Time passes. The clock on the wall strikes three.
The name of the game is what matters least; what matters most is how it is played.
"""

# ---------------------------------------------------------------------------------------
# Chat templates. They have the structure of the published ones in words of our own.

QWEN_TEMPLATE = r"""{%- macro render(content) -%}
    {%- if content is string -%}
        {{- content -}}
    {%- elif content is iterable and content is not mapping -%}
        {%- for item in content -%}
            {%- if item.type == 'image' or 'image' in item -%}
                {{- '<|vision_start|><|image_pad|><|vision_end|>' -}}
            {%- elif 'text' in item -%}
                {{- item.text -}}
            {%- else -%}
                {{- raise_exception('A content item is neither text nor image.') -}}
            {%- endif -%}
        {%- endfor -%}
    {%- elif content is not none and content is defined -%}
        {{- raise_exception('Content must be a string or a list.') -}}
    {%- endif -%}
{%- endmacro -%}
{%- if not messages -%}
    {{- raise_exception('There are no messages.') -}}
{%- endif -%}
{%- if tools -%}
    {{- '<|im_start|>system\n# Tools\n\nThese functions may be called:\n\n<tools>' -}}
    {%- for tool in tools -%}
        {{- '\n' + (tool | tojson) -}}
    {%- endfor -%}
    {{- '\n</tools>\n\nA call has this form, with one block for each parameter:\n\n<tool_call>\n<function=NAME>\n<parameter=KEY>\nVALUE\n</parameter>\n</function>\n</tool_call>' -}}
    {%- if messages[0].role == 'system' -%}
        {%- set system = render(messages[0].content) | trim -%}
        {%- if system -%}
            {{- '\n\n' + system -}}
        {%- endif -%}
    {%- endif -%}
    {{- '<|im_end|>\n' -}}
{%- elif messages[0].role == 'system' -%}
    {{- '<|im_start|>system\n' + (render(messages[0].content) | trim) + '<|im_end|>\n' -}}
{%- endif -%}
{#- The last message of the user that is not the result of a tool. -#}
{%- set ns = namespace(searching=true, last_query_index=messages | length - 1) -%}
{%- for message in messages[::-1] -%}
    {%- if ns.searching and message.role == 'user' -%}
        {%- set content = render(message.content) | trim -%}
        {%- if not (content.startswith('<tool_response>') and content.endswith('</tool_response>')) -%}
            {%- set ns.searching = false -%}
            {%- set ns.last_query_index = messages | length - 1 - loop.index0 -%}
        {%- endif -%}
    {%- endif -%}
{%- endfor -%}
{%- if ns.searching -%}
    {{- raise_exception('There is no message of the user.') -}}
{%- endif -%}
{%- for message in messages -%}
    {%- set content = render(message.content) | trim -%}
    {%- if message.role == 'system' -%}
        {%- if not loop.first -%}
            {{- raise_exception('The system message must be the first.') -}}
        {%- endif -%}
    {%- elif message.role == 'user' -%}
        {{- '<|im_start|>user\n' + content + '<|im_end|>\n' -}}
    {%- elif message.role == 'assistant' -%}
        {%- set reasoning = '' -%}
        {%- if message.reasoning_content is string -%}
            {%- set reasoning = message.reasoning_content -%}
        {%- elif '</think>' in content -%}
            {%- set reasoning = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') -%}
            {%- set content = content.split('</think>')[-1].lstrip('\n') -%}
        {%- endif -%}
        {{- '<|im_start|>assistant\n' -}}
        {%- if loop.index0 > ns.last_query_index -%}
            {{- '<think>\n' + (reasoning | trim) + '\n</think>\n\n' -}}
        {%- endif -%}
        {{- content -}}
        {%- if message.tool_calls and message.tool_calls is iterable and message.tool_calls is not mapping -%}
            {%- for tool_call in message.tool_calls -%}
                {%- set call = tool_call.function if tool_call.function is defined else tool_call -%}
                {%- if not loop.first -%}
                    {{- '\n' -}}
                {%- elif content | trim -%}
                    {{- '\n\n' -}}
                {%- endif -%}
                {{- '<tool_call>\n<function=' + call.name + '>\n' -}}
                {%- if call.arguments is defined -%}
                    {%- for key, value in call.arguments | items -%}
                        {{- '<parameter=' + key + '>\n' -}}
                        {{- value if value is string else (value | tojson) -}}
                        {{- '\n</parameter>\n' -}}
                    {%- endfor -%}
                {%- endif -%}
                {{- '</function>\n</tool_call>' -}}
            {%- endfor -%}
        {%- endif -%}
        {{- '<|im_end|>\n' -}}
    {%- elif message.role == 'tool' -%}
        {%- if loop.first or loop.previtem.role != 'tool' -%}
            {{- '<|im_start|>user' -}}
        {%- endif -%}
        {{- '\n<tool_response>\n' + content + '\n</tool_response>' -}}
        {%- if loop.last or loop.nextitem.role != 'tool' -%}
            {{- '<|im_end|>\n' -}}
        {%- endif -%}
    {%- else -%}
        {{- raise_exception('A message has an unknown role.') -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|im_start|>assistant\n' -}}
    {%- if enable_thinking is defined and enable_thinking is false -%}
        {{- '<think>\n\n</think>\n\n' -}}
    {%- else -%}
        {{- '<think>\n' -}}
    {%- endif -%}
{%- endif -%}
"""

GEMMA_TEMPLATE = r"""{%- macro argument(value) -%}
    {%- if value is string -%}
        {{- '<|"|>' + value + '<|"|>' -}}
    {%- elif value is boolean -%}
        {{- 'true' if value else 'false' -}}
    {%- elif value is mapping -%}
        {{- '{' -}}
        {%- for key, item in value | dictsort -%}
            {{- key + ':' -}}{{- argument(item) -}}{{- ',' if not loop.last -}}
        {%- endfor -%}
        {{- '}' -}}
    {%- elif value is sequence -%}
        {{- '[' -}}
        {%- for item in value -%}
            {{- argument(item) -}}{{- ',' if not loop.last -}}
        {%- endfor -%}
        {{- ']' -}}
    {%- elif value is none -%}
        {{- 'null' -}}
    {%- else -%}
        {{- value -}}
    {%- endif -%}
{%- endmacro -%}
{%- macro without_thoughts(text) -%}
    {%- set ns = namespace(result='') -%}
    {%- for part in text.split('<channel|>') -%}
        {%- set ns.result = ns.result + part.split('<|channel>')[0] -%}
    {%- endfor -%}
    {{- ns.result | trim -}}
{%- endmacro -%}
{%- macro render(content, role) -%}
    {%- if content is string -%}
        {{- without_thoughts(content) if role == 'model' else (content | trim) -}}
    {%- elif content is sequence and content is not mapping -%}
        {%- for item in content -%}
            {%- if item.type == 'text' -%}
                {{- without_thoughts(item.text) if role == 'model' else (item.text | trim) -}}
            {%- elif item.type == 'image' -%}
                {{- '<|image|>' -}}
            {%- elif item.type == 'audio' -%}
                {{- '<|audio|>' -}}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}
{%- set thinking = enable_thinking | default(false) -%}
{%- set has_system = messages and messages[0].role in ['system', 'developer'] -%}
{{- bos_token -}}
{%- if thinking or tools or has_system -%}
    {{- '<|turn>system\n' -}}
    {%- if thinking -%}
        {{- '<|think|>\n' -}}
    {%- endif -%}
    {%- if has_system -%}
        {{- render(messages[0].content, 'system') -}}
    {%- endif -%}
    {%- for tool in tools or [] -%}
        {%- set function = tool.function -%}
        {{- '<|tool>declaration:' + function.name + '{description:' -}}
        {{- argument(function.description | default('')) -}}
        {%- if function.parameters -%}
            {{- ',parameters:' -}}{{- argument(function.parameters) -}}
        {%- endif -%}
        {{- '}<tool|>' -}}
    {%- endfor -%}
    {{- '<turn|>\n' -}}
{%- endif -%}
{%- set ns = namespace(after_tool=false) -%}
{%- for message in (messages[1:] if has_system else messages) -%}
    {%- if message.role == 'tool' -%}
        {#- Results belong to the turn of the model that asked for them. -#}
        {{- '<|tool_response>response:' + (message.name | default('unknown')) + '{value:' -}}
        {{- argument(message.content) -}}
        {{- '}<tool_response|>' -}}
        {%- set ns.after_tool = true -%}
    {%- else -%}
        {%- set role = 'model' if message.role == 'assistant' else message.role -%}
        {%- if not (role == 'model' and ns.after_tool) -%}
            {{- '<|turn>' + role + '\n' -}}
        {%- endif -%}
        {%- for tool_call in message.tool_calls or [] -%}
            {{- '<|tool_call>call:' + tool_call.function.name -}}
            {%- if tool_call.function.arguments is mapping -%}
                {{- argument(tool_call.function.arguments) -}}
            {%- else -%}
                {{- '{' + (tool_call.function.arguments | default('')) + '}' -}}
            {%- endif -%}
            {{- '<tool_call|>' -}}
        {%- endfor -%}
        {{- render(message.content, role) -}}
        {%- set ns.after_tool = false -%}
        {%- if not (message.tool_calls and not loop.last and loop.nextitem.role == 'tool') -%}
            {{- '<turn|>\n' -}}
        {%- endif -%}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt and not ns.after_tool -%}
    {{- '<|turn>model\n' -}}
{%- endif -%}
"""

# ---------------------------------------------------------------------------------------
# Tokenizers.

# The pattern of the published Qwen 3.5 tokenizer.
QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# (text, special): added after the trained vocabulary, in the published order.
QWEN_ADDED = (
    ("<|endoftext|>", True),
    ("<|im_start|>", True),
    ("<|im_end|>", True),
    ("<|vision_start|>", True),
    ("<|vision_end|>", True),
    ("<|image_pad|>", True),
    ("<|video_pad|>", True),
    ("<tool_call>", False),
    ("</tool_call>", False),
    ("<tool_response>", False),
    ("</tool_response>", False),
    ("<think>", False),
    ("</think>", False),
)

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


def qwen_tokenizer(vocab_size: int):
    """A byte-level BPE tokenizer with the pipeline of Qwen 3.5."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
    from tokenizers import pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_PATTERN), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(QWEN_ADDED),
        min_frequency=2,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS.splitlines(keepends=True), trainer)
    tokenizer.add_tokens(
        [AddedToken(text, special=special, normalized=False) for text, special in QWEN_ADDED]
    )
    return tokenizer


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


# ---------------------------------------------------------------------------------------
# Configurations. They are written as the published folders have them, not as the installed
# version of transformers would write them, so that older and newer versions read them.


def qwen_files(tokenizer, context: int) -> dict[str, dict]:
    """The JSON files beside the weights of the Qwen 3.5 model."""
    token = tokenizer.token_to_id
    text = {
        "model_type": "qwen3_5_text",
        "dtype": "float32",
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": 64,
        "intermediate_size": 160,
        "num_hidden_layers": 4,
        "layer_types": ["linear_attention"] * 3 + ["full_attention"],
        "full_attention_interval": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "attn_output_gate": True,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 16,
        "linear_num_key_heads": 2,
        "linear_value_head_dim": 16,
        "linear_num_value_heads": 4,
        "mamba_ssm_dtype": "float32",
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "initializer_range": 0.02,
        "max_position_embeddings": context,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10_000_000,
            "partial_rotary_factor": 0.25,
            "mrope_interleaved": True,
            "mrope_section": [2, 1, 1],
        },
        "tie_word_embeddings": True,
        "use_cache": True,
        "bos_token_id": None,
        "eos_token_id": token("<|endoftext|>"),
        "pad_token_id": None,
    }
    vision = {
        "model_type": "qwen3_5",
        "dtype": "float32",
        "depth": 1,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "in_channels": 3,
        "patch_size": 4,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "num_position_embeddings": 16,
        "out_hidden_size": text["hidden_size"],
        "hidden_act": "gelu_pytorch_tanh",
        "initializer_range": 0.02,
        "deepstack_visual_indexes": [],
    }
    config = {
        "architectures": ["Qwen3_5ForConditionalGeneration"],
        "model_type": "qwen3_5",
        "dtype": "float32",
        "text_config": text,
        "vision_config": vision,
        "image_token_id": token("<|image_pad|>"),
        "video_token_id": token("<|video_pad|>"),
        "vision_start_token_id": token("<|vision_start|>"),
        "vision_end_token_id": token("<|vision_end|>"),
        "tie_word_embeddings": True,
    }
    generation = {
        "do_sample": True,
        "eos_token_id": [token("<|im_end|>"), token("<|endoftext|>")],
        "pad_token_id": token("<|endoftext|>"),
    }
    tokenizer_config = {
        "tokenizer_class": "Qwen2Tokenizer",
        "add_bos_token": False,
        "add_prefix_space": False,
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
        "errors": "replace",
        "split_special_tokens": False,
        "model_max_length": context,
        "added_tokens_decoder": {
            str(token(text)): {
                "content": text,
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": special,
            }
            for text, special in QWEN_ADDED
        },
        "additional_special_tokens": [text for text, special in QWEN_ADDED if special],
    }
    return {
        "config.json": config,
        "generation_config.json": generation,
        "tokenizer_config.json": tokenizer_config,
    }


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


# ---------------------------------------------------------------------------------------
# Weights.


def fill_weights(model, seed: int, std: float) -> None:
    """Gives every matrix values that depend on the seed and on its name alone.

    Vectors (norms, biases) keep the values that the architecture starts from, apart from
    the decay rates of the linear-attention layers, which transformers draws at random.
    """
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            generator = torch.Generator().manual_seed(zlib.crc32(name.encode()) ^ (seed & 0xFFFFFFFF))
            if name.endswith("A_log"):
                rates = torch.rand(parameter.shape, generator=generator) * 15 + 1
                parameter.copy_(rates.log())
            elif parameter.dim() >= 2:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)


def write_weights(model, path: Path) -> int:
    """Writes one safetensors file, without the copy of tied embeddings; counts parameters."""
    from safetensors.torch import save_file

    tensors, seen = {}, set()
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() in seen and name.endswith("lm_head.weight"):
            continue
        seen.add(tensor.data_ptr())
        tensors[name] = tensor.detach().clone().contiguous()
    save_file(dict(sorted(tensors.items())), str(path), metadata={"format": "pt"})
    return sum(tensor.numel() for tensor in tensors.values())


# ---------------------------------------------------------------------------------------


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def make(family: str, folder: Path, seed: int, vocab_size: int, context: int, std: float) -> int:
    """Writes one model folder and returns how many parameters the model has."""
    import torch
    from transformers import AutoConfig

    folder.mkdir(parents=True, exist_ok=True)
    if family == "qwen3.5":
        from transformers import Qwen3_5ForConditionalGeneration as Model

        tokenizer, template = qwen_tokenizer(vocab_size), QWEN_TEMPLATE
        files = qwen_files(tokenizer, context)
    else:
        from transformers import Gemma4ForConditionalGeneration as Model

        tokenizer, template = gemma_tokenizer(vocab_size), GEMMA_TEMPLATE
        files = gemma_files(tokenizer, context)

    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    for name, value in files.items():
        write_json(folder / name, value)

    torch.manual_seed(seed)
    model = Model(AutoConfig.from_pretrained(folder)).to(torch.float32)
    fill_weights(model, seed, std)
    return write_weights(model, folder / "model.safetensors")


def check(folder: Path) -> None:
    """Loads the folder as a server would, and fails where the parts do not fit together."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(folder)
    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    text = "It's your turn: take 3 stones.\n\n  Café 🎲 b2"
    ids = plain.encode(text, add_special_tokens=False).ids
    if loaded.encode(text, add_special_tokens=False) != ids:
        raise SystemExit(f"{folder}: AutoTokenizer and tokenizer.json disagree")
    if plain.decode(ids, skip_special_tokens=False) != text:
        raise SystemExit(f"{folder}: the tokenizer does not round-trip")
    messages = [
        {"role": "system", "content": "Play well."},
        {"role": "user", "content": "Your move?"},
        {"role": "assistant", "content": "move: b2"},
        {"role": "user", "content": "And now?"},
    ]
    rendered = loaded.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    prompt = plain.encode(rendered, add_special_tokens=False).ids

    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    if info["missing_keys"]:
        raise SystemExit(f"{folder}: missing weights {sorted(info['missing_keys'])[:5]}")
    with torch.no_grad():
        logits = model(torch.tensor([prompt]), use_cache=False).logits[0, -1].float()
    if not torch.isfinite(logits).all():
        raise SystemExit(f"{folder}: logits are not finite")
    probabilities = logits.log_softmax(-1)
    entropy = -(probabilities.exp() * probabilities).sum().item()
    print(
        f"  vocabulary {plain.get_vocab_size()}, prompt of {len(prompt)} tokens,"
        f" entropy {entropy:.3f} of {math.log(len(logits)):.3f} nats"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Makes tiny, randomly initialised Qwen 3.5 and Gemma 4 models.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder that receives one folder per model")
    parser.add_argument("--family", choices=[*FAMILIES, "all"], default="all", help="which models to make")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights")
    parser.add_argument("--vocab-size", type=int, default=768, help="tokens in each vocabulary, 512 to 1000")
    parser.add_argument("--context", type=int, default=4096, help="longest sequence of the models")
    parser.add_argument("--std", type=float, default=0.1, help="standard deviation of the weight matrices")
    parser.add_argument("--no-check", action="store_true", help="do not load the folders again to check them")
    args = parser.parse_args()
    if not 512 <= args.vocab_size <= 1000:
        parser.error("--vocab-size must be between 512 and 1000")
    if args.context < 2048:
        parser.error("--context must be at least 2048")

    for family in FAMILIES if args.family == "all" else (args.family,):
        folder = args.out / f"tiny-{family}"
        parameters = make(family, folder, args.seed, args.vocab_size, args.context, args.std)
        digest = hashlib.sha256()
        for path in sorted(folder.iterdir()):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
        print(f"{folder}: {parameters} parameters, sha256 {digest.hexdigest()[:16]}")
        if not args.no_check:
            check(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
