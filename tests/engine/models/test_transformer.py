"""The attention written out here is the published one: the same numbers as PyTorch's, and it can be looked at."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.engine.models.made import SERIES, TEXT, config, network, source
from workbench.config.model import Transformer
from workbench.config.problems import ConfigError
from workbench.engine.models.transformer import EncoderLayer, TransformerNetwork, sinusoids

TINY: dict[str, Any] = {"width": 16, "attention_heads": 4, "feedforward": 32, "layers": 2}


def build_network(data: Any, **settings: Any) -> TransformerNetwork:
    model = network(data, "transformer", **{**TINY, **settings}).eval()
    assert isinstance(model, TransformerNetwork)
    return model


def reference(layer: EncoderLayer, pre: bool) -> nn.TransformerEncoderLayer:
    """PyTorch's own encoder layer with the same weights."""
    theirs = nn.TransformerEncoderLayer(16, 4, 32, 0.0, batch_first=True, norm_first=pre).eval()
    attention = layer.attention
    parts = (attention.query, attention.key, attention.value)
    state = {
        "self_attn.in_proj_weight": torch.cat([part.weight for part in parts]),
        "self_attn.in_proj_bias": torch.cat([part.bias for part in parts]),
    }
    pairs = {"self_attn.out_proj": attention.output, "linear1": layer.feedforward[0], "linear2": layer.feedforward[3]}
    for name, part in {**pairs, "norm1": layer.norm1, "norm2": layer.norm2}.items():
        state |= {f"{name}.{key}": value for key, value in part.state_dict().items()}
    theirs.load_state_dict(state)
    return theirs


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("norm_first", ["pre", "post"])
def test_that_an_encoder_layer_computes_what_pytorchs_computes(norm_first: str, causal: bool) -> None:
    model = build_network(TEXT, norm_first=norm_first)
    layer = model.layers[0]
    assert isinstance(layer, EncoderLayer)
    steps = torch.randn(3, 7, 16)
    padding = torch.zeros(3, 7, dtype=torch.bool)
    padding[1, 5:] = True
    ahead = torch.ones(7, 7, dtype=torch.bool).triu(1)
    hidden = padding[:, None, None, :] | ahead if causal else padding[:, None, None, :]
    theirs = reference(layer, norm_first == "pre")
    wanted = theirs(steps, src_mask=ahead if causal else None, src_key_padding_mask=padding)
    torch.testing.assert_close(layer(steps, hidden)[~padding], wanted[~padding], rtol=1e-4, atol=1e-5)


def test_that_positions_are_the_published_sines_and_cosines() -> None:
    table = sinusoids(5000, 512)
    assert table.shape == (5000, 512)
    assert table[0, :4].tolist() == [0.0, 1.0, 0.0, 1.0]
    assert table[123, 10].item() == pytest.approx(torch.sin(torch.tensor(123 / 10000 ** (10 / 512))).item(), abs=1e-4)
    assert table[123, 11].item() == pytest.approx(torch.cos(torch.tensor(123 / 10000 ** (10 / 512))).item(), abs=1e-4)
    assert sinusoids(3, 5).isfinite().all()


@pytest.mark.parametrize("norm_first", ["pre", "post"])
def test_that_attention_maps_are_shares_and_know_the_padding(norm_first: str) -> None:
    model = build_network(TEXT, norm_first=norm_first)
    tokens = torch.tensor([[5, 6, 7, 0, 0], [3, 4, 2, 9, 8]])
    maps = model.attention_maps(tokens)
    assert [each.shape for each in maps] == [(2, 4, 5, 5)] * 2
    for each in maps:
        torch.testing.assert_close(each.sum(dim=3), torch.ones(2, 4, 5))
        assert not each[0, :, :, 3:].any()
        assert (each[1] > 0).all()


def test_that_a_causal_network_never_looks_ahead() -> None:
    model = build_network(SERIES, causal=True, pool="first")
    series = torch.randn(2, 12, 2)
    assert not any(each.triu(1).any() for each in model.attention_maps(series))
    later = series.clone()
    later[:, 1:] += 1.0
    torch.testing.assert_close(model(later), model(series))


@pytest.mark.parametrize("pool", ["mean", "last", "first"])
def test_that_padding_changes_nothing(pool: str) -> None:
    model = build_network(TEXT, pool=pool)
    text = torch.tensor([[4, 9, 2]])
    torch.testing.assert_close(model(functional.pad(text, (0, 6))), model(text), rtol=1e-4, atol=1e-5)


def test_that_a_text_of_padding_alone_gives_numbers() -> None:
    model = build_network(TEXT)
    outputs = model(torch.zeros(2, 10, dtype=torch.int64))
    assert outputs.isfinite().all()
    outputs.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_that_the_defaults_are_those_of_the_guide() -> None:
    facts = Transformer()
    assert (facts.width, facts.attention_heads, facts.feedforward, facts.dropout, facts.positions) == (
        512,
        8,
        2048,
        0.1,
        5000,
    )


def test_that_what_does_not_fit_is_said_in_words() -> None:
    with pytest.raises(ConfigError, match="not divisible by 3 attention heads"):
        config("transformer", SERIES, width=16, attention_heads=3)
    with pytest.raises(Exception, match="longer than the 5 positions"):
        network(source((6, 1)), "transformer", **TINY, positions=5)
