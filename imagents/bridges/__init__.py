"""Bridges to environments of other packages, a file or a folder each; packages are optional, and imported inside.

    worlds.py, workers.py   one environment in plain Python, and B copies of it, also in processes without TensorFlow
    environment.py          these copies as one `TFEnvironment` that keeps to `imagents.seats`
    spaces.py               spaces as Gymnasium has them, which PettingZoo shares
    turns.py                one seat of an environment from here, from decision to decision
    shown.py                what a seat of an environment from here sees and does, in such spaces
    settings.py             the face that they have in common: names with arguments in brackets, what to install
"""
