"""The game of CVAE-GAN: Bao, Chen, Wen, Li & Hua 2017 (arXiv 1703.10155), Alg. 1.

"Asymmetric training": discriminator D and classifier C learn by cross entropy, but generator G does
not try to fool them. It matches the mean of their features, over all images in D and over each
class in C, and the features of each single image that it reconstructs.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import tensorflow as tf

from common.training.adversarial import AdversarialModel
from common.training.losses import cross_entropy_fake, cross_entropy_real


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Of the terms of E's and G's losses, lambda_1 to lambda_4."""

    kl: float = 3.0
    reconstruction: float = 1.0
    mean: float = 1e-3
    classes: float = 1e-3


class CVAEGAN(AdversarialModel):
    """Encoder E and generator G, discriminator D, classifier C, all updated at once.

    x_f = G(c, z) with z ~ N(mu, sigma^2) of E(x, c); x_p = G(c, z_p) with z_p ~ N(0, I). f_D and
    f_C are what the last layers of D and C take.

        L_D   -log D(x) - log(1 - D(x_f)) - log(1 - D(x_p))
        L_C   -log P(c | x), of real images alone
        L_KL  KL(N(mu, sigma^2) || N(0, I))
        L_G   (|x - x_f|^2 + |f_D(x) - f_D(x_f)|^2 + |f_C(x) - f_C(x_f)|^2) / 2
        L_GD  |mean f_D(x) - mean f_D(x_p)|^2 / 2, means over the batch
        L_GC  sum over the classes of |mean f_C(x) - mean f_C(x_p)|^2 / 2, moving averages

    E minimises lambda_1 L_KL + lambda_2 L_G, and G lambda_2 L_G + lambda_3 L_GD + lambda_4 L_GC:
    one sum serves both, since terms that a network cannot influence give it no gradient. Squares
    are summed over pixels, features and z, and averaged over the batch. An attribute has two
    classes, without it and with it. The c of x_p are those of the batch.

    Args:
        encoder: E; [images, attributes] to means and log variances.
        generator: G; [attributes, latents] to images.
        discriminator: D; images to logits and features.
        classifier: C; images to logits of c and features.
        weights: lambda_1 to lambda_4.
        centre_decay: of the moving averages in L_GC.
        seed: of the noise.
    """

    loss_names = (
        *("autoencoder_loss", "discriminator_loss", "classifier_loss", "kl_loss", "pixel_loss"),
        *("discriminator_feature_loss", "classifier_feature_loss"),
        *("mean_loss", "class_loss"),
    )
    test_names = ("kl_loss", "classifier_loss", "image_mae", "image_mse")

    def __init__(
        self,
        encoder: keras.Model,
        generator: keras.Model,
        discriminator: keras.Model,
        classifier: keras.Model,
        *,
        weights: Weights,
        centre_decay: float = 0.9,
        seed: int = 0,
    ):
        super().__init__(seed=seed)
        self.encoder = encoder
        self.generator = generator
        self.discriminator = discriminator
        self.classifier = classifier
        self.term_weights = weights
        attributes, features = (shape[-1] for shape in classifier.output_shape)
        self.centres = Centres(2 * attributes, features, centre_decay)

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        return {
            "autoencoder": (self.encoder, self.generator),
            "discriminator": (self.discriminator,),
            "classifier": (self.classifier,),
        }

    def train_step(self, data):
        x, y = data  # [B, H, W, 3] in [-1, 1]; c, [B, A] of 0 and 1
        weights = self.term_weights
        shape = (tf.shape(x)[0], self.generator.input_shape[1][-1])

        with tf.GradientTape(persistent=True) as tape:
            mean, log_variance = self.encoder([x, y], training=True)
            z = sampled(mean, log_variance, self.noise(shape, "latent"))
            rebuilt = self.generator([y, z], training=True)
            drawn = self.generator([y, self.noise(shape, "prior")], training=True)
            real_logits, d_real = self.discriminator(x, training=True)
            rebuilt_logits, d_rebuilt = self.discriminator(rebuilt, training=True)
            drawn_logits, d_drawn = self.discriminator(drawn, training=True)
            class_logits, c_real = self.classifier(x, training=True)
            _, c_rebuilt = self.classifier(rebuilt, training=True)
            _, c_drawn = self.classifier(drawn, training=True)

            # Discriminator: minimise L_D.
            discriminator_loss = (
                cross_entropy_real(real_logits)
                + cross_entropy_fake(rebuilt_logits)
                + cross_entropy_fake(drawn_logits)
            )

            # Classifier: minimise L_C.
            classifier_loss = cross_entropy(y, class_logits)

            # Encoder and generator: minimise L_KL, L_G, L_GD and L_GC.
            kl_loss = kl_divergence(mean, log_variance)
            pixel_loss = half_square(x - rebuilt)
            discriminator_feature_loss = half_square(d_real - d_rebuilt)
            classifier_feature_loss = half_square(c_real - c_rebuilt)
            mean_loss = half_square(
                tf.reduce_mean(d_real, axis=0, keepdims=True)
                - tf.reduce_mean(d_drawn, axis=0, keepdims=True)
            )
            real_centres, drawn_centres = self.centres.moved(c_real, c_drawn, y)
            class_loss = 0.5 * tf.reduce_sum(tf.square(real_centres - drawn_centres))
            autoencoder_loss = (
                weights.kl * kl_loss
                + weights.reconstruction
                * (pixel_loss + discriminator_feature_loss + classifier_feature_loss)
                + weights.mean * mean_loss
                + weights.classes * class_loss
            )

        self.update_together(
            tape,
            ("classifier", classifier_loss),
            ("discriminator", discriminator_loss),
            ("autoencoder", autoencoder_loss),
        )
        self.centres.real.assign(real_centres)
        self.centres.drawn.assign(drawn_centres)
        return self.track(
            autoencoder_loss=autoencoder_loss,
            discriminator_loss=discriminator_loss,
            classifier_loss=classifier_loss,
            kl_loss=kl_loss,
            pixel_loss=pixel_loss,
            discriminator_feature_loss=discriminator_feature_loss,
            classifier_feature_loss=classifier_feature_loss,
            mean_loss=mean_loss,
            class_loss=class_loss,
        )

    def test_step(self, data):
        x, y = data
        mean, log_variance = self.encoder([x, y], training=False)
        made = self.generator([y, mean], training=False)
        class_logits, _ = self.classifier(x, training=False)
        return self.measure(
            tf.shape(x)[0],
            kl_loss=kl_divergence(mean, log_variance),
            classifier_loss=cross_entropy(y, class_logits),
            image_mae=tf.reduce_mean(tf.abs(x - made)),
            image_mse=tf.reduce_mean(tf.square(x - made)),
        )


class Centres(keras.Model):
    """The mean of C's features in each class, of real images and of drawn ones, `[K, F]` both.

    Moving averages, since a batch has few images of a class. Both start at 0 and move alike, so
    that their difference needs no correction. They are a model without inputs, so that a run saves
    them with its networks.

    Args:
        classes: K, two an attribute.
        features: F.
        decay: the share of the old average that stays.
    """

    def __init__(self, classes: int, features: int, decay: float):
        super().__init__(name="centres")
        shape = (classes, features)
        self.decay = decay
        self.real = self.add_weight(
            shape=shape, initializer="zeros", trainable=False, autocast=False, name="real"
        )
        self.drawn = self.add_weight(
            shape=shape, initializer="zeros", trainable=False, autocast=False, name="drawn"
        )
        self.built = True

    def moved(
        self, real: tf.Tensor, drawn: tf.Tensor, attributes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The averages after a batch; a class that it lacks stays as it is.

        The gradient passes through the batch's share of them alone.

        Args:
            real: features of real images `[B, F]`.
            drawn: of images of the same classes `[B, F]`.
            attributes: of both, `[B, A]` of 0 and 1.
        """
        members = tf.concat([1.0 - attributes, attributes], axis=1)  # [B, K]
        counts = tf.reduce_sum(members, axis=0)[:, None]  # [K, 1]

        def average(old: keras.Variable, features: tf.Tensor) -> tf.Tensor:
            before = tf.convert_to_tensor(old)
            means = tf.matmul(members, features, transpose_a=True) / tf.maximum(counts, 1.0)
            return tf.where(counts > 0.0, self.decay * before + (1.0 - self.decay) * means, before)

        return average(self.real, real), average(self.drawn, drawn)


def sampled(mean: tf.Tensor, log_variance: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Z = mu + sigma * noise, `[B, Z]`."""
    return mean + tf.exp(0.5 * log_variance) * noise


def cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """-log P(c | x) of `[B, A]`: the sum over the attributes, the mean over the batch."""
    terms = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
    return tf.reduce_mean(tf.reduce_sum(terms, axis=1))


def kl_divergence(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, I)) of `[B, Z]`: the sum over Z, the batch's mean."""
    terms = tf.square(mean) + tf.exp(log_variance) - 1.0 - log_variance
    return 0.5 * tf.reduce_mean(tf.reduce_sum(terms, axis=1))


def half_square(difference: tf.Tensor) -> tf.Tensor:
    """|d|^2 / 2 of `[B, ...]`: the sum over all but the batch, the mean over that."""
    flat = tf.reshape(difference, (tf.shape(difference)[0], -1))
    return 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(flat), axis=1))
