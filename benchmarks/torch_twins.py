"""The train steps of `benchmarks.train_steps` in PyTorch.

Each class is the `train_step` of the model that it names: the same passes, losses and updates. What
makes PyTorch fast is used where it helps: gradients of the wanted weights alone, a fused Adam,
`channels_last`, `torch.compile`; `Setup` says which.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from benchmarks import torch_networks as networks
from benchmarks.torch_training import (
    Setup,
    Twin,
    adam,
    frozen,
    rmsprop,
    take_gradients,
    update,
)

softplus = functional.softplus  # of -logits: the loss against "real", of logits: against "fake"
cross_entropy = functional.binary_cross_entropy_with_logits


class CRGGAN(Twin):
    """`crg.model.GAN`."""

    shape, decay, generator_first = (1, 28, 28), 0.0, False

    def __init__(self, setup: Setup, batch: int):
        super().__init__(setup, batch)
        self.generator, self.discriminator = self.networks()
        self.generator_adam = adam(self.plain["generator"], self.decay)
        self.discriminator_adam = adam(self.plain["discriminator"], self.decay)

    def networks(self) -> tuple[Any, Any]:
        """G and D."""
        return (
            self.take("generator", networks.crg_generator()),
            self.take("discriminator", networks.crg_discriminator()),
        )

    def step(self) -> None:
        self.discriminator_step()
        self.generator_step()

    def discriminator_step(self) -> None:
        """Maximises log D(x) + log(1 - D(g(z)))."""
        with self.precision():
            with torch.no_grad():
                fake = self.generator(self.uniform())
            real_logits = self.discriminator(self.x).float()
            fake_logits = self.discriminator(fake).float()
            loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        update(self.discriminator_adam, loss)

    def generator_step(self) -> None:
        """Maximises log D(g(z))."""
        with frozen(self.plain["discriminator"]):
            with self.precision():
                fake_logits = self.discriminator(self.generator(self.uniform())).float()
                loss = softplus(-fake_logits).mean()
            update(self.generator_adam, loss)


class IGANGAN(CRGGAN):
    """`igan.model.GAN`: G first, weight decay."""

    shape, decay = (1, 32, 32), 1e-5

    def networks(self) -> tuple[Any, Any]:
        return (
            self.take("generator", networks.dcgan_generator()),
            self.take("discriminator", networks.dcgan_discriminator()),
        )

    def step(self) -> None:
        self.generator_step()
        self.discriminator_step()


class CRGEncoder(Twin):
    """`crg.model.CRG`: two updates of e, each with an optimizer of its own."""

    shape, latents, clip = (1, 28, 28), 100, 0.0

    def __init__(self, setup: Setup, batch: int):
        super().__init__(setup, batch)
        generator, encoder, optimizer = self.networks()
        self.generator = self.take("generator", generator, training=False)
        self.encoder = self.take("encoder", encoder)
        self.optimizers = (optimizer(encoder), optimizer(encoder))

    def networks(self) -> tuple[nn.Module, nn.Module, Callable[[nn.Module], Any]]:
        """g, e, and what makes e's optimizers."""
        return networks.crg_generator(), networks.crg_encoder(), adam

    def step(self) -> None:
        z = self.prior()
        with self.precision():
            with torch.no_grad():
                generated = self.generator(z)
            loss = (z - self.encoder(generated).float()).square().mean()
        self.descend(self.optimizers[0], loss)
        x = self.augmented(self.x)
        with self.precision():
            loss = (x - self.generator(self.encoder(x)).float()).abs().mean()
        self.descend(self.optimizers[1], loss)

    def prior(self) -> torch.Tensor:
        """Latents."""
        return self.uniform()

    def augmented(self, x: torch.Tensor) -> torch.Tensor:
        """Digits as they are."""
        return x

    def descend(self, optimizer: Any, loss: torch.Tensor) -> None:
        """One step, the norm of its gradient bounded for faces."""
        weights = take_gradients(optimizer, loss)
        if self.clip:
            nn.utils.clip_grad_norm_(weights, self.clip)
        optimizer.step()


class FacesEncoder(CRGEncoder):
    """`crg.model.CRG` with the networks and the settings of `small64`."""

    shape, clip = (3, 64, 64), 1.0

    def networks(self) -> tuple[nn.Module, nn.Module, Callable[[nn.Module], Any]]:
        def optimizer(encoder: nn.Module) -> Any:
            return rmsprop(0.9, encoder)

        return networks.faces_generator(), networks.faces_encoder(), optimizer

    def prior(self) -> torch.Tensor:
        return torch.randn(self.batch, 128)

    def augmented(self, x: torch.Tensor) -> torch.Tensor:
        """Mirrored by chance."""
        return torch.where(torch.rand(self.batch, 1, 1, 1) < 0.5, x.flip(3), x)


class ConditionalGAN(Twin):
    """`icgan_tf.model.ConditionalGAN`; rows of one-hot labels stand for those of images."""

    def __init__(self, setup: Setup, batch: int):
        super().__init__(setup, batch)
        self.generator = self.take("generator", networks.ConditionalGenerator())
        self.discriminator = self.take("discriminator", networks.ConditionalDiscriminator())
        self.generator_adam = adam(self.plain["generator"])
        self.discriminator_adam = adam(self.plain["discriminator"])
        self.rows = torch.eye(18) * 2 - 1
        self.labels = torch.arange(batch) % 18

    def step(self) -> None:
        y = self.rows[self.labels]
        y_wrong = self.rows[(self.labels + torch.randint(1, 18, (self.batch,))) % 18]
        y_fake = self.rows[torch.randint(18, (self.batch,))]
        with self.precision():
            fake = self.generator(torch.randn(self.batch, 100), y_fake)
        with self.precision():
            real_logits = self.discriminator(self.x, y).float()
            fake_logits = self.discriminator(fake.detach(), y_fake).float()
            wrong_logits = self.discriminator(self.x, y_wrong).float()
            loss = softplus(-real_logits).mean() + 0.5 * softplus(wrong_logits).mean()
            loss = loss + 0.5 * softplus(fake_logits).mean()
        update(self.discriminator_adam, loss)
        with frozen(self.plain["discriminator"]):
            with self.precision():
                loss = softplus(-self.discriminator(fake, y_fake).float()).mean()
            update(self.generator_adam, loss)


class IFcVAEGAN(Twin):
    """`ifcvaegan.model.IFcVAEGAN` with 24 filters: all updates from one set of passes."""

    filters = 24

    def __init__(self, setup: Setup, batch: int):
        super().__init__(setup, batch)
        self.encoder = self.take("encoder", networks.VariationalEncoder(self.filters))
        self.decoder = self.take("decoder", networks.AttributeDecoder(self.filters))
        self.discriminator = self.take("discriminator", networks.image_discriminator(self.filters))
        self.auxiliary = self.take("auxiliary", networks.auxiliary())
        self.autoencoder_rmsprop = rmsprop(0.99, self.plain["encoder"], self.plain["decoder"])
        self.auxiliary_rmsprop = rmsprop(0.99, self.plain["auxiliary"])
        self.discriminator_rmsprop = rmsprop(0.5, self.plain["discriminator"])
        self.y = torch.ones(batch, 1)

    def step(self) -> None:
        x, y = self.x, self.y
        with self.precision():
            mean, log_variance, y_logits = (part.float() for part in self.encoder(x))
            spread = torch.exp(0.5 * log_variance)
            z = mean + spread * torch.randn_like(mean)
            z_again = mean + spread * torch.randn_like(mean)
            x_logits = self.decoder(torch.sigmoid(y_logits), z).float()
            prior_image = torch.sigmoid(self.decoder(y, torch.randn_like(mean)).float())
            guesses = self.auxiliary(z_again).float()
            real = self.discriminator(x).float()
            rebuilt = self.discriminator(torch.sigmoid(x_logits)).float()
            drawn = self.discriminator(prior_image).float()
        auxiliary_loss = cross_entropy(guesses, y)
        fakes = softplus(rebuilt).mean() + softplus(drawn).mean()
        discriminator_loss = (softplus(-real).mean() + fakes) / 3
        divergence = mean.square() + log_variance.exp() - 1 - log_variance
        fooling_loss = 0.5 * (softplus(-rebuilt).mean() + softplus(-drawn).mean())
        loss = cross_entropy(x_logits, x) + 0.001 * 0.5 * divergence.sum(1).mean()
        loss = loss + 0.1 * cross_entropy(y_logits, y) + 0.1 * fooling_loss - auxiliary_loss
        take_gradients(self.autoencoder_rmsprop, loss, keep=True)
        take_gradients(self.auxiliary_rmsprop, auxiliary_loss, keep=True)
        take_gradients(self.discriminator_rmsprop, discriminator_loss)
        for optimizer in (
            *(self.autoencoder_rmsprop, self.auxiliary_rmsprop),
            self.discriminator_rmsprop,
        ):
            optimizer.step()


class WideIFcVAEGAN(IFcVAEGAN):
    """The same with the 64 filters of `paper`."""

    filters = 64


TWINS: dict[str, type[Twin]] = {
    "IcGAN, conditional GAN, 64x64 faces": ConditionalGAN,
    "CRG, GAN": CRGGAN,
    "CRG, encoder": CRGEncoder,
    "CRG on faces, encoder": FacesEncoder,
    "IFcVAEGAN, 24 filters": IFcVAEGAN,
    "IFcVAEGAN, 64 filters": WideIFcVAEGAN,
    "iGAN, GAN": IGANGAN,
}
