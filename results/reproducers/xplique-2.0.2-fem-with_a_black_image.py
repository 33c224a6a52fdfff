"""xplique 2.0.2 fem: probe rational, with a black image. Exit status 1: it differs."""
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy
from xplique.attributions import FEM

layers = [keras.layers.Conv2D(filters=2, kernel_size=(2, 2), strides=(1, 1), padding='valid', name='conv1'), keras.layers.ReLU(name='relu1'), keras.layers.Flatten(name='flatten1'), keras.layers.Dense(units=4, name='dense1')]
x = inputs = keras.Input((4, 3, 1))
for each in layers:
    x = each(x)
model = keras.Model(inputs, x)
values = [[2, 3, 3, 0, 3, 3, 3, -3], [0, 1], [-2, -1, 1, 2, 1, -2, 1, 3, -2, 0, -1, 3, -3, 0, 3, 0, -3, 2, 3, 3, 3, -1, 2, 3, 1, 3, 1, -2, 0, 1, -1, 1, -1, 3, -2, 1, -3, -3, 0, 0, 0, 0, 2, 0, -1, 3, 3, -1], [-2, -2, -2, 0]]
for variable, value in zip(model.weights, values):
    variable.assign(numpy.reshape(value, variable.shape))
layer = "relu1"
images = numpy.reshape([3, 4, 0, 4, 2, 2, 3, 1, 4, 0, 1, 1, 2, 2, 0, 0, 0, 0, 0, 4, 0, 3, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 0, 4, 2, 4, 1, 1, 4, 0, 0, 1, 3, 0, 4, 1, 1, 2, 4, 4, 4, 1, 0, 3, 3, 3, 0, 0, 2, 1, 2, 4, 1, 2, 1], (6, 4, 3, 1)).astype("float32")
targets = [2, 0, 3, 1, 1, 2]
found = FEM(model, conv_layer=layer).explain(images, numpy.eye(model.output_shape[-1])[targets])
found = numpy.asarray(found)
expected = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
apart = abs(found.ravel() - expected).max()
print("expected", expected, "\nfound", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-05 * max(map(abs, expected))))
