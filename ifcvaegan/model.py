"""The game of IFcVAEGAN: Creswell, Bharath & Sengupta (arXiv 1711.05175 v1), Eqs. 3 to 12, Alg. 1.

Three players update at once, each against the others as they were: the autoencoder E and D (Eqs. 9,
10 and 12: one loss serves both, since terms that a network cannot influence give it no gradient),
the auxiliary network A (Eq. 11) and the discriminator C (Eq. 4). Alg. 1 swaps the last two losses;
the text has them right.

Which gradients flow where the paper and its release differ (`fidelity`): in the release E's y-head
reads detached features (`networks.encoder(detached=True)`), so that L_class and the class loss of
reconstructions train nothing but that head, and the target of the latter is the true y; in the
paper's equations both reach E (and the latter D), and its target is E's answer for x.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from common.training import losses as gan
from common.training.adversarial import AdversarialModel
from common.training.diffaugment import diffaugmented
from ifcvaegan import losses, networks
from ifcvaegan.config import AuxiliaryMode, Fidelity


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Of the terms of the autoencoder's loss, all of them means over the batch."""

    reconstruction: float
    kl: float
    label: float  # rho
    reconstruction_label: float  # beta
    auxiliary: float  # gamma
    gan: float  # delta
    features: float = 0.0  # ours

    @property
    def judged(self) -> bool:
        """Whether C plays: no other term asks it."""
        return self.gan > 0 or self.features > 0


class IFcVAEGAN(AdversarialModel):
    """Autoencoder E, D against an auxiliary network A and a discriminator C.

    The autoencoder minimises a weighted sum of

        L_rec    BCE(x^, x), x^ = D(y^, z), z ~ N(mu, sigma^2), y^ as E reads it (Eq. 3)
        L_kl     KL(N(mu, sigma^2) || N(0, I)) (Eq. 8)
        L_class  BCE(y^, y) (Eq. 5)
        L^_class BCE(E_y(x^), y^ or y) (Eq. 6)
        -L_aux   -BCE(A(z'), y), z' a second sample: z is to tell nothing about y (Eqs. 7 and 12)
        L_fool   1/2 [BCE(C(x^), 1) + BCE(C(D(y, z_p)), 1)], z_p ~ N(0, I), in place of -L_gan
        L_feat   (C_l(x^) - C_l(x))^2, C_l the features of C: Larsen et al. (ours, off in the paper)

    A minimises BCE(A(z'), y); C minimises a third of BCE(C(x), 1) + BCE(C(x^), 0) +
    BCE(C(D(y, z_p)), 0).

    Args:
        encoder: E; images to means, log variances and logits of y.
        decoder: D; [y, z] to logits of images.
        discriminator: C; images to logits.
        auxiliary: A; latents to logits of y.
        weights: of the terms.
        rates: share of 1 of each attribute in the training data, `[A]`.
        fidelity: the target of L^_class: "paper", E's answer for x, "release", the true y.
        mode: how y is kept out of z, see `losses.attribute_removal_loss`.
        ramp: steps over which the weight of that term grows from 0 to its value; 0 for none.
        augmented: C sees images by DiffAugment.
        seed: of the noise.
    """

    loss_names = (
        "autoencoder_loss",
        "discriminator_loss",
        "auxiliary_loss",
        "reconstruction_loss",
        "kl_loss",
        "label_loss",
        "reconstruction_label_loss",
        "fooling_loss",
        "feature_loss",
    )
    test_names = ("reconstruction_loss", "kl_loss", "label_loss", "auxiliary_loss", "mse")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        discriminator: keras.Model,
        auxiliary: keras.Model,
        *,
        weights: Weights,
        rates: np.ndarray,
        fidelity: Fidelity = "paper",
        mode: AuxiliaryMode = "max_bce",
        ramp: int = 0,
        augmented: bool = False,
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.encoder = encoder
        self.decoder = decoder
        self.discriminator = discriminator
        # C's own layers; held so that it does not count as a further network of the model.
        self.observe = functools.partial(networks.with_features(discriminator), training=True)
        self.auxiliary = auxiliary
        self.term_weights = weights
        self.rates = tf.constant(rates, tf.float32)
        self.fidelity: Fidelity = fidelity
        self.mode: AuxiliaryMode = mode
        self.ramp = ramp
        self.augmented = augmented

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        players: dict[str, tuple[keras.Model, ...]] = {
            "autoencoder": (self.encoder, self.decoder),
            "auxiliary": (self.auxiliary,),
        }
        if self.term_weights.judged:
            players["discriminator"] = (self.discriminator,)
        return players

    def train_step(self, data):
        x, y = data  # [B, H, W, 3] in [0, 1], [B, A] of 0 and 1
        weights = self.term_weights
        shape = (tf.shape(x)[0], self.decoder.input_shape[1][-1])

        with tf.GradientTape(persistent=True) as tape:
            mean, log_variance, y_logits = self.encoder(x, training=True)
            z = sampled(mean, log_variance, self.noise(shape, "latent"))
            z_again = sampled(mean, log_variance, self.noise(shape, "auxiliary"))
            y_read = tf.sigmoid(y_logits)  # soft, in training (Alg. 1, line 7)
            x_logits = self.decoder([y_read, z], training=True)
            reconstruction = tf.sigmoid(x_logits)

            # Auxiliary: minimise Eq. 7, as Eq. 11 has it.
            guesses = self.auxiliary(z_again, training=True)
            auxiliary_loss = losses.cross_entropy(y, guesses)

            # Discriminator: minimise Eq. 4.
            discriminator_loss, fooling_loss, feature_loss = self.judge(x, y, reconstruction)

            # Autoencoder: minimise Eqs. 9, 10 and 12.
            reconstruction_loss = losses.cross_entropy(x, x_logits)
            kl_loss = losses.kl_divergence(mean, log_variance)
            label_loss = losses.cross_entropy(y, y_logits)
            reconstruction_label_loss = tf.zeros_like(label_loss)
            if weights.reconstruction_label:  # a weight of 0 costs no pass
                target = tf.stop_gradient(y_read) if self.fidelity == "paper" else y
                again = self.encoder(reconstruction, training=True)[2]
                reconstruction_label_loss = losses.cross_entropy(target, again)
            autoencoder_loss = (
                weights.reconstruction * reconstruction_loss
                + weights.kl * kl_loss
                + weights.label * label_loss
                + weights.reconstruction_label * reconstruction_label_loss
                + weights.gan * fooling_loss
                + weights.features * feature_loss
            )
            if weights.auxiliary:
                autoencoder_loss += (
                    weights.auxiliary
                    * self.ramped()
                    * losses.attribute_removal_loss(y, guesses, self.rates, self.mode)
                )

        found = {
            "autoencoder": autoencoder_loss,
            "auxiliary": auxiliary_loss,
            "discriminator": discriminator_loss,
        }
        self.update_together(tape, *((player, found[player]) for player in self.players))
        return self.track(
            autoencoder_loss=autoencoder_loss,
            discriminator_loss=discriminator_loss,
            auxiliary_loss=auxiliary_loss,
            reconstruction_loss=reconstruction_loss,
            kl_loss=kl_loss,
            label_loss=label_loss,
            reconstruction_label_loss=reconstruction_label_loss,
            fooling_loss=fooling_loss,
            feature_loss=feature_loss,
        )

    def test_step(self, data):
        x, y = data
        mean, log_variance, y_logits = self.encoder(x, training=False)
        shape = (tf.shape(x)[0], self.decoder.input_shape[1][-1])
        noise = self.noise(shape, "validation", step=self.measured)
        z = sampled(mean, log_variance, noise)
        x_logits = self.decoder([tf.sigmoid(y_logits), z], training=False)
        return self.measure(
            tf.shape(x)[0],
            reconstruction_loss=losses.cross_entropy(x, x_logits),
            kl_loss=losses.kl_divergence(mean, log_variance),
            label_loss=losses.cross_entropy(y, y_logits),
            auxiliary_loss=losses.cross_entropy(y, self.auxiliary(z, training=False)),
            mse=tf.reduce_mean(tf.square(tf.sigmoid(x_logits) - x)),
        )

    def judge(
        self, x: tf.Tensor, y: tf.Tensor, reconstruction: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """L_gan (Eq. 4), L_fool and L_feat of a batch; zeros, without a pass, if none has a weight.

        Args:
            x: images `[B, H, W, 3]` in [0, 1].
            y: attributes `[B, A]`.
            reconstruction: of the images.
        """
        feature_loss = tf.zeros(())
        if not self.term_weights.judged:
            return feature_loss, feature_loss, feature_loss
        z_prior = self.noise((tf.shape(x)[0], self.decoder.input_shape[1][-1]), "prior")
        prior_image = tf.sigmoid(self.decoder([y, z_prior], training=True))
        real, features = self.observe(self.seen(x))
        rebuilt, rebuilt_features = self.observe(self.seen(reconstruction))
        drawn, _ = self.observe(self.seen(prior_image))
        discriminator_loss = (
            gan.cross_entropy_real(real)
            + gan.cross_entropy_fake(rebuilt)
            + gan.cross_entropy_fake(drawn)
        ) / 3.0
        fooling_loss = 0.5 * (gan.cross_entropy_real(rebuilt) + gan.cross_entropy_real(drawn))
        if self.term_weights.features:  # Larsen et al., Eq. 8, with a unit variance
            target = tf.stop_gradient(tf.cast(features, tf.float32))
            found = tf.cast(rebuilt_features, tf.float32)
            feature_loss = tf.reduce_mean(tf.math.squared_difference(target, found))
        return discriminator_loss, fooling_loss, feature_loss

    def seen(self, image: tf.Tensor) -> tf.Tensor:
        """The images `[B, H, W, 3]` as C sees them."""
        return diffaugmented(self, image, 1.0) if self.augmented else image

    def ramped(self) -> tf.Tensor:
        """The share of its weight that the auxiliary term has by now."""
        if not self.ramp:
            return tf.constant(1.0)
        return tf.minimum(tf.cast(self.step, tf.float32) / self.ramp, 1.0)


def sampled(mean: tf.Tensor, log_variance: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Z = mu + sigma * noise, `[B, Z]`."""
    return mean + tf.exp(0.5 * log_variance) * noise
