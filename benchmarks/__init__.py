import imagents  # noqa: F401  (prepares TensorFlow, before a module of this package imports it)
