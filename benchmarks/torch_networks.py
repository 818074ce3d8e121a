"""The networks of the measured train steps in PyTorch, layer by layer those of our `networks.py`.

Two liberties, which cost no layer and no parameter: a convolution of 5x5 and stride 2 pads by 2 on
each side, where "same" pads by 1 and 2, and `Unflatten` puts channels first. First weights are
PyTorch's own. `benchmarks.train_steps` compares the numbers of parameters with ours in each run.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn.utils.parametrizations import (  # pyright: ignore[reportMissingImports]
    spectral_norm,
)

SLOPE = 0.2  # of all leaky ReLUs here
BGR_MEANS = (103.939, 116.779, 123.68)  # as in crg.faces.encoders


def convolution(inputs: int, outputs: int, side: int, stride: int = 2, bias: bool = True):
    """Pads so that only the stride changes the side of the image."""
    return nn.Conv2d(inputs, outputs, side, stride, (side - 1) // 2, bias=bias)


def deconvolution(inputs: int, outputs: int, side: int, bias: bool = True):
    """Doubles the side of the image."""
    padding, odd = (side - 1) // 2, side % 2
    return nn.ConvTranspose2d(inputs, outputs, side, 2, padding, odd, bias=bias)


# CRG


def crg_generator():
    """`crg.networks.generator`."""
    return nn.Sequential(
        *(nn.Linear(100, 7 * 7 * 128), nn.LeakyReLU(SLOPE), nn.Unflatten(1, (128, 7, 7))),
        *(deconvolution(128, 128, 5), nn.LeakyReLU(SLOPE)),
        *(deconvolution(128, 64, 5), nn.LeakyReLU(SLOPE)),
        *(convolution(64, 1, 5, 1), nn.Tanh()),
    )


def crg_discriminator():
    """`crg.networks.discriminator`."""
    return nn.Sequential(
        *(convolution(1, 64, 5), nn.LeakyReLU(SLOPE), nn.Dropout(0.3)),
        *(convolution(64, 128, 5), nn.LeakyReLU(SLOPE), nn.Dropout(0.3)),
        *(nn.Flatten(), nn.Linear(7 * 7 * 128, 1)),
    )


def crg_encoder():
    """`crg.networks.encoder`."""
    widths, kernels, strides = (1, 32, 64, 128, 256, 512), (5, 3, 5, 3, 3), (2, 1, 2, 1, 1)
    modules: list[Any] = []
    for (before, width), kernel, stride in zip(pairwise(widths), kernels, strides, strict=True):
        modules += [convolution(before, width, kernel, stride), nn.BatchNorm2d(width)]
        modules += [nn.LeakyReLU(SLOPE), nn.Dropout(0.3)]
    return nn.Sequential(*modules, nn.Flatten(), nn.Linear(7 * 7 * 512, 100), nn.Tanh())


# IcGAN


class ConditionalGenerator(nn.Module):
    """`icgan_tf.networks.generator` with its defaults."""

    def __init__(self):
        super().__init__()
        modules: list[Any] = [nn.Unflatten(1, (118, 1, 1)), nn.ConvTranspose2d(118, 512, 4)]
        for before, width in pairwise((512, 256, 128, 64, 3)):
            modules += [nn.BatchNorm2d(before), nn.ReLU(), deconvolution(before, width, 4)]
        self.layers = nn.Sequential(*modules, nn.Tanh())

    def forward(self, latent, condition):
        """Images `[B, 3, 64, 64]`."""
        return self.layers(torch.cat([latent, condition], 1))


class ConditionalDiscriminator(nn.Module):
    """`icgan_tf.networks.discriminator` with its defaults."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(convolution(3, 64, 4), nn.LeakyReLU(SLOPE))
        modules: list[Any] = []
        for before, width in pairwise((64 + 18, 128, 256, 512)):
            modules += [convolution(before, width, 4), nn.BatchNorm2d(width), nn.LeakyReLU(SLOPE)]
        self.rest = nn.Sequential(*modules, nn.Conv2d(512, 1, 4), nn.Flatten())

    def forward(self, image, condition):
        """Logits `[B, 1]`."""
        x = self.first(image)
        repeated = condition[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.rest(torch.cat([x, repeated.to(x.dtype)], 1))


# IFcVAEGAN


def _trunk(filters: int) -> list[Any]:
    widths = (3, *(filters * 2**stage for stage in range(4)))
    pairs = [(convolution(before, width, 5), nn.ReLU()) for before, width in pairwise(widths)]
    return [*(module for pair in pairs for module in pair), nn.Flatten()]


class VariationalEncoder(nn.Module):
    """`ifcvaegan.networks.encoder` of one attribute."""

    def __init__(self, filters: int):
        super().__init__()
        features = 4 * 4 * 8 * filters
        self.trunk = nn.Sequential(*_trunk(filters))
        self.mean, self.log_variance = nn.Linear(features, 200), nn.Linear(features, 200)
        self.attributes = nn.Linear(features, 1)

    def forward(self, image):
        """Means, log variances and logits of y."""
        hidden = self.trunk(image)
        log_variance = self.log_variance(hidden).clamp(-10, 10)
        return self.mean(hidden), log_variance, self.attributes(hidden)


class AttributeDecoder(nn.Module):
    """`ifcvaegan.networks.decoder` of one attribute."""

    def __init__(self, filters: int):
        super().__init__()
        first = 8 * filters
        modules: list[Any] = [nn.Linear(201, 4 * 4 * first), nn.ReLU()]
        modules.append(nn.Unflatten(1, (first, 4, 4)))
        for before, width in pairwise((first, 4 * filters, 2 * filters, filters)):
            modules += [deconvolution(before, width, 3), nn.BatchNorm2d(width), nn.ReLU()]
        self.layers = nn.Sequential(*modules, deconvolution(filters, 3, 3))

    def forward(self, attribute, latent):
        """Logits of images `[B, 3, 64, 64]`."""
        return self.layers(torch.cat([attribute, latent], 1))


def image_discriminator(filters: int):
    """`ifcvaegan.networks.discriminator`."""
    return nn.Sequential(*_trunk(filters), nn.Linear(4 * 4 * 8 * filters, 1))


def auxiliary():
    """`ifcvaegan.networks.auxiliary` of one attribute."""
    return nn.Sequential(
        *(nn.Linear(200, 1000), nn.ReLU(), nn.Linear(1000, 1000), nn.ReLU(), nn.Linear(1000, 1))
    )


# CRG on faces, of the preset small64


class PixelNormalization(nn.Module):
    """`common.training.growing.PixelNormalization`."""

    def forward(self, x):
        """Mean square 1 over the channels."""
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


class Preprocessing(nn.Module):
    """`crg.faces.encoders.VGGPreprocessing`."""

    def __init__(self):
        super().__init__()
        means = torch.tensor(BGR_MEANS)[:, None, None]
        self.register_buffer("means", means, persistent=False)

    def forward(self, image):
        """In 0..255, BGR, without the means of ImageNet."""
        return ((image.clamp(-1, 1) + 1) * 127.5).flip(1) - self.means


def faces_generator(channels: Sequence[int] = (128, 128, 96, 64, 32)):
    """`crg.faces.networks.generator` at its last level."""
    first = channels[0]
    modules: list[Any] = [spectral_norm(nn.Linear(128, 4 * 4 * first))]
    modules += [nn.Unflatten(1, (first, 4, 4)), nn.LeakyReLU(SLOPE), PixelNormalization()]
    for before, width in ((first, first), *pairwise(channels)):
        pairs = [(before, width), (width, width)]
        if len(modules) > 4:
            modules.append(nn.Upsample(scale_factor=2))
        else:
            pairs.pop()  # one convolution at 4x4
        for pair in pairs:
            modules += [spectral_norm(convolution(*pair, 3, 1)), nn.LeakyReLU(SLOPE)]
            modules.append(PixelNormalization())
    return nn.Sequential(*modules, spectral_norm(convolution(channels[-1], 3, 1, 1)), nn.Tanh())


def faces_encoder(dropout: float = 0.1):
    """`crg.faces.encoders.encoder`, `vgg_dense64`."""
    modules: list[Any] = [Preprocessing()]
    before = 3
    for number, widths in enumerate(((64, 64), (128, 128), (256, 256, 256), (64,))):
        for width in widths:
            modules += [convolution(before, width, 3, 1), nn.ReLU()]
            before = width
        modules += [nn.BatchNorm2d(before), nn.Dropout2d(dropout)]
        modules += [nn.MaxPool2d(2)] if number < 3 else []
    return nn.Sequential(*modules, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 4 * 64, 128))


# iGAN, of the preset recommended for clothing


def dcgan_generator():
    """`igan.networks.generator` of 32x32 gray images with 32 filters."""
    modules: list[Any] = [nn.Linear(100, 4 * 4 * 128, bias=False), nn.BatchNorm1d(4 * 4 * 128)]
    modules += [nn.ReLU(), nn.Unflatten(1, (128, 4, 4))]
    for before, width in ((128, 64), (64, 32)):
        modules += [deconvolution(before, width, 5, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*modules, deconvolution(32, 1, 5, bias=False), nn.Sigmoid())


def dcgan_discriminator():
    """`igan.networks.discriminator` of 32x32 gray images with 24 filters."""
    modules: list[Any] = [convolution(1, 24, 5, bias=False), nn.LeakyReLU(SLOPE)]
    for before, width in ((24, 48), (48, 96)):
        modules += [convolution(before, width, 5, bias=False), nn.BatchNorm2d(width)]
        modules.append(nn.LeakyReLU(SLOPE))
    return nn.Sequential(*modules, nn.Flatten(), nn.Linear(4 * 4 * 96, 1, bias=False))


def parameters(network: Any) -> tuple[int, int]:
    """How many numbers of a network are trained, and how many are state, such as mean values."""
    kept = network.state_dict().values()
    counters = sum(one.numel() for one in kept if not one.is_floating_point())
    trained = sum(one.numel() for one in network.parameters())
    return trained, sum(one.numel() for one in kept) - counters - trained
