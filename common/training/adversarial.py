"""The one abstraction under the four papers: a Keras model with several players.

A paper's `model.py` subclasses `AdversarialModel` and writes its whole algorithm in `train_step`.
This base holds only mechanics with known traps: one optimizer a player, gradients of exactly that
player's variables, loss and replica scaling, metric tracking, and noise that is a pure function of
(seed, step). It contains no loss, no step, and calls no hook of its subclasses.
"""

from __future__ import annotations

import typing
import zlib
from collections.abc import Callable
from typing import Any, Literal

import keras
import tensorflow as tf

from common import replicas
from common.errors import UserError
from common.training.spread import normalise_together


class AdversarialModel(keras.Model):
    """Networks that play a game, each side with an optimizer of its own.

    A subclass sets its networks as attributes, names the scalars that it reports in `loss_names`
    (training, in plot order) and `test_names` (what `test_step` measures), and implements
    `players` and `train_step`.

    Args:
        seed: keys every draw of `noise`.
    """

    loss_names: tuple[str, ...] = ()
    test_names: tuple[str, ...] = ()

    def __init__(self, *, seed: int = 0):
        super().__init__()
        self.seed = seed
        self.step = self.add_weight(
            shape=(), dtype="int64", trainable=False, aggregation="only_first_replica", name="step"
        )
        names = dict.fromkeys(self.loss_names + self.test_names)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True  # The networks come built; this model has no variables of its own to add.

    @property
    def players(self) -> dict[str, tuple[keras.Model, ...]]:
        """Player name -> the networks that its optimizer owns: who minimises over what."""
        raise NotImplementedError

    def networks(self) -> dict[str, keras.Model]:
        """Network name -> network: those of the players, and the frozen ones."""
        return {layer.name: layer for layer in self.layers if isinstance(layer, keras.Model)}

    def compile(
        self, *, jit_compile: bool = False, **optimizers: keras.optimizers.Optimizer
    ) -> None:
        """Gives each player its optimizer, builds it, stores it as `<player>_optimizer`.

        Two players may own the same networks (two objectives of one network, each with moments of
        its own) and may then share one optimizer object; a partial overlap is refused.

        Args:
            jit_compile: compile the step with XLA.
            **optimizers: one for each key of `players`.

        Raises:
            ValueError: when the keys differ from `players`, or networks overlap in part.
            UserError: XLA with several replicas, which TensorFlow fails on.
        """
        players = self.players
        if set(optimizers) != set(players):
            raise ValueError(
                f"compile() needs one optimizer for each of {sorted(players)}; "
                f"it was given {sorted(optimizers)}."
            )
        owned = {player: {id(network) for network in nets} for player, nets in players.items()}
        for one in owned:
            for other in owned:
                if owned[one] != owned[other] and owned[one] & owned[other]:
                    raise ValueError(f"Players {one!r} and {other!r} share some networks, not all.")
        if jit_compile and replicas.count() > 1:
            raise UserError(
                "XLA does not compile a step that is spread over several devices; leave out --xla."
            )
        super().compile(optimizer=None, jit_compile=jit_compile)
        if replicas.count() > 1:
            for network in self.networks().values():
                normalise_together(network)
        scaled = keras.mixed_precision.dtype_policy().name == "mixed_float16"
        for player, optimizer in optimizers.items():
            if scaled and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            if not optimizer.built:
                optimizer.build(self.player_variables(player))
            setattr(self, f"{player}_optimizer", optimizer)

    def player_variables(self, player: str) -> list[keras.Variable]:
        """The trainable variables of the player's networks."""
        return [v for network in self.players[player] for v in network.trainable_variables]

    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """Player name -> its optimizer; available after `compile`."""
        return {player: getattr(self, f"{player}_optimizer") for player in self.players}

    def update(self, player: str, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """One step of `player` down the gradient of `loss` w.r.t. exactly its own variables."""
        self.update_together(tape, (player, loss))

    def update_together(self, tape: tf.GradientTape, *pairs: tuple[str, tf.Tensor]) -> None:
        """Simultaneous steps: every gradient is taken before the first one is applied.

        Args:
            tape: a persistent tape when there are several pairs.
            *pairs: (player, scalar loss).
        """
        gradients = []
        for player, loss in pairs:
            optimizer = getattr(self, f"{player}_optimizer")
            # Optimizers sum over replicas, and loss scaling starts with the loss: both enter as the
            # gradient of the loss itself, so that no step needs to mention them.
            start = optimizer.scale_loss(tf.ones_like(loss)) / replicas.count()
            variables = self.player_variables(player)
            gradients.append((optimizer, variables, tape.gradient(loss, variables, start)))
        for optimizer, variables, gradient in gradients:
            optimizer.apply(clipped_together(optimizer, gradient), variables)

    def track(self, **losses: tf.Tensor) -> dict:
        """Ends a training step: counts it, and averages its losses over the period.

        Args:
            **losses: one scalar for each of `loss_names`.

        Returns:
            The period's means so far, the logs of Keras.
        """
        self.step.assign_add(1)
        return self._average(self.loss_names, losses)

    @property
    def measured(self) -> tf.Tensor:
        """Images that this evaluation has measured so far, int64: tells its batches apart."""
        count = self._trackers[self.test_names[0]].count  # of this replica, which has its share
        return tf.cast(tf.convert_to_tensor(count), tf.int64) * replicas.count()

    def measure(self, images: tf.Tensor | int, **quantities: tf.Tensor) -> dict:
        """Ends a test step: averages the quantities named in `test_names` over the images.

        Args:
            images: the size of this batch, its weight in the average.
            **quantities: one scalar for each of `test_names`, a mean over the batch.
        """
        return self._average(self.test_names, quantities, tf.cast(images, tf.float32))

    def _average(
        self, names: tuple[str, ...], values: dict, weight: tf.Tensor | None = None
    ) -> dict:
        if set(values) != set(names):
            raise ValueError(f"expected the scalars {sorted(names)}, got {sorted(values)}.")
        for name in names:
            value = values[name]
            if weight is not None:  # a replica has no image, and no mean, where a batch is short
                value = tf.where(weight > 0, value, tf.zeros_like(value))
            self._trackers[name].update_state(value, sample_weight=weight)
        logs: dict[str, Any] = {name: self._trackers[name].result() for name in names}
        if replicas.in_cluster():  # Keras averages over the first axis there (keras#20585)
            return {name: tf.reshape(value, (1,)) for name, value in logs.items()}
        return logs

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """The networks are built; Keras' own fails on the parts of a batch (keras#20585)."""

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Only the trackers of `loss_names` and `test_names`."""
        return list(self._trackers.values())

    def noise(
        self,
        shape: tuple,
        salt: str,
        distribution: Literal["normal", "uniform"] = "normal",
        step: tf.Tensor | int | None = None,
    ) -> tf.Tensor:
        """Noise as a pure function of (seed, step, salt, replica), so that a resume repeats it.

        It is drawn for the batch of all replicas and cut, so that two replicas with half a batch
        see what one sees with the whole.

        Args:
            shape: `(B, ...)`, the first axis being this replica's batch.
            salt: the name of the draw; two draws of one step need two names.
            distribution: "normal" is N(0, 1); "uniform" is U[-1, 1].
            step: the saved step counter by default; in a test step `measured`, which gives the same
                noise at every evaluation.

        Returns:
            A float32 tensor of that shape.
        """
        drawn = self._drawn(shape, salt, step)
        if distribution == "normal":
            return drawn(lambda whole, seed: tf.random.stateless_normal(whole, seed, alg="philox"))
        return drawn(
            lambda whole, seed: tf.random.stateless_uniform(whole, seed, -1.0, 1.0, alg="philox")
        )

    def integers(
        self, shape: tuple, below: int, salt: str, step: tf.Tensor | int | None = None
    ) -> tf.Tensor:
        """Uniform integers as a pure function of (seed, step, salt, replica); see `noise`.

        Args:
            shape: `(B, ...)`, the first axis being this replica's batch.
            below: they are 0 to `below - 1`.
            salt: the name of the draw.
            step: as for `noise`.

        Returns:
            An int32 tensor of that shape.
        """
        return self._drawn(shape, salt, step)(
            lambda whole, seed: tf.random.stateless_uniform(
                whole, seed, 0, below, tf.int32, alg="philox"
            )
        )

    def _drawn(
        self, shape: tuple, salt: str, step: tf.Tensor | int | None
    ) -> Callable[[Callable[[tuple, tf.Tensor], tf.Tensor]], tf.Tensor]:
        """Gives a stateless generator its whole shape and seed, and cuts this replica's part."""
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group
        rows = shape[0]
        seed = tf.constant([self.seed, zlib.crc32(salt.encode()) & 0x7FFFFFFF], tf.int32)
        step = tf.cast(tf.convert_to_tensor(self.step) if step is None else step, tf.int32)
        # The stubs of `fold_in` know Python integers only.
        seed = typing.cast(tf.Tensor, tf.random.fold_in(seed, typing.cast(int, step), "philox"))
        whole = (rows * context.num_replicas_in_sync, *shape[1:])
        return lambda generator: generator(whole, seed)[replica * rows : (replica + 1) * rows]


def clipped_together(optimizer: keras.optimizers.Optimizer, gradients: list) -> list:
    """Gradients, their global norm bounded as that of the whole batch.

    An optimizer clips what it is given, the share of one replica, before it sums the shares.
    """
    bound, count = optimizer.global_clipnorm, replicas.count()
    if count == 1 or not bound:
        return gradients
    context: Any = tf.distribute.get_replica_context()
    whole = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    return [gradient / count for gradient in tf.clip_by_global_norm(whole, bound)[0]]
