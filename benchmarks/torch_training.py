"""What the train steps in PyTorch have in common: the set-up, the networks in it, and updates."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How PyTorch computes.

    Attributes:
        channels_last: images and kernels in that layout.
        compiled: networks by `torch.compile`.
        threads: of a layer.
        bfloat16: layers within `torch.autocast`.
    """

    channels_last: bool
    compiled: bool
    threads: int
    bfloat16: bool

    def __str__(self) -> str:
        layout = "channels_last" if self.channels_last else "channels first"
        mode = "torch.compile" if self.compiled else "eager"
        return f"{layout}, {mode}, {self.threads} thread{'s' if self.threads > 1 else ''}"

    def words(self) -> list[str]:
        """Of the command line of a worker."""
        words = ["--threads", str(self.threads)]
        words += ["--channels-last"] if self.channels_last else []
        words += ["--compiled"] if self.compiled else []
        return words + (["--bfloat16"] if self.bfloat16 else [])


class Twin:
    """A train step: networks by name, and what one step does with the images `x`.

    Args:
        setup: how it computes.
        batch: images a step.
    """

    shape = (3, 64, 64)

    def __init__(self, setup: Setup, batch: int):
        self.setup, self.batch = setup, batch
        self.layout: Any = torch.channels_last if setup.channels_last else torch.contiguous_format
        self.x = torch.rand(batch, *self.shape).to(memory_format=self.layout)
        self.plain: dict[str, Any] = {}

    def take(self, name: str, network: nn.Module, training: bool = True) -> Any:
        """The network as the set-up wants it; one that does not train keeps its weights."""
        self.plain[name] = network
        network.train(training).to(memory_format=self.layout)
        if not training:
            network.requires_grad_(False)
        return torch.compile(network, dynamic=False) if self.setup.compiled else network

    def precision(self) -> Any:
        """The block in which networks are called; weights change outside of it alone."""
        return torch.autocast(self.x.device.type, torch.bfloat16, enabled=self.setup.bfloat16)

    def uniform(self, size: int = 100) -> torch.Tensor:
        """Latents on [-1, 1]."""
        return torch.rand(self.batch, size) * 2 - 1

    def step(self) -> None:
        """One train step."""
        raise NotImplementedError


def adam(network: nn.Module, decay: float = 0.0) -> Any:
    """Adam in one pass over the weights; the decay is coupled, as in our loss."""
    return torch.optim.Adam(
        network.parameters(), 2e-4, betas=(0.5, 0.999), weight_decay=decay, fused=True
    )


def rmsprop(rho: float, *owned: nn.Module) -> Any:
    """RMSprop of several networks."""
    weights = [one for network in owned for one in network.parameters()]
    return torch.optim.RMSprop(weights, 2e-4, alpha=rho)


@contextlib.contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """No gradients of its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def take_gradients(optimizer: Any, loss: torch.Tensor, keep: bool = False) -> list[torch.Tensor]:
    """Lays the gradients of exactly the optimizer's weights beside them."""
    weights = optimizer.param_groups[0]["params"]
    for weight, gradient in zip(
        weights, torch.autograd.grad(loss, weights, retain_graph=keep), strict=True
    ):
        weight.grad = gradient
    return weights


def update(optimizer: Any, loss: torch.Tensor) -> None:
    """One step of the optimizer's weights down the gradient."""
    take_gradients(optimizer, loss)
    optimizer.step()
