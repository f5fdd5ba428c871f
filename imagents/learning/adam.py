"""Adam as Keras has it, faster under XLA."""

import tensorflow as tf


class Adam(tf.keras.optimizers.Adam):
    """Keras' Adam (Kingma & Ba 2014, https://arxiv.org/abs/1412.6980), in rows; the same to the last bit.

    What is computed where it is kept XLA computes on a CPU one number at a time, and square roots and quotients then
    take most of a train step with few samples. It is not computed there if its shape changes on the way (see
    `imagents.xla.as_rows`): 187 -> 51 microseconds for two layers of 256.
    """

    def update_step(self, gradient, variable):
        """Updates a variable, given its gradient, a dense tensor of the same shape."""
        number = self._index_dict[self._var_key(variable)]
        mean, square = self._momentums[number], self._velocities[number]
        step = tf.cast(self.iterations + 1, variable.dtype)
        rate = tf.cast(self.learning_rate, variable.dtype)
        rate = rate * tf.sqrt(1 - tf.pow(self.beta_2, step)) / (1 - tf.pow(self.beta_1, step))
        g, m, v, x = (tf.reshape(tensor, [1, -1]) for tensor in (gradient, mean, square, variable))
        m = m + (g - m) * (1 - self.beta_1)
        v = v + (tf.square(g) - v) * (1 - self.beta_2)
        x = x - m * rate / (tf.sqrt(v) + self.epsilon)
        for kept, new in ((mean, m), (square, v), (variable, x)):
            kept.assign(tf.reshape(new, kept.shape))
