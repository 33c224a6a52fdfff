"""xplique 2.0.2 grad_cam_plus_plus: nested host, probe rational. Exit status 1: it differs."""
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy
from xplique.attributions import GradCAMPP

layers = [keras.layers.Conv2D(filters=2, kernel_size=(2, 2), strides=(1, 1), padding='valid', name='conv1'), keras.layers.ReLU(name='relu1'), keras.layers.Flatten(name='flatten1'), keras.layers.Dense(units=4, name='dense1')]
x = inputs = keras.Input((4, 3, 1))
for each in layers[:2]:
    x = each(x)
body = keras.Model(inputs, x)
outer = keras.Input(inputs.shape[1:])
x = body(outer)
for each in layers[2:]:
    x = each(x)
model = keras.Model(outer, x)
values = [[2, 3, 3, 0, 3, 3, 3, -3], [0, 1], [-2, -1, 1, 2, 1, -2, 1, 3, -2, 0, -1, 3, -3, 0, 3, 0, -3, 2, 3, 3, 3, -1, 2, 3, 1, 3, 1, -2, 0, 1, -1, 1, -1, 3, -2, 1, -3, -3, 0, 0, 0, 0, 2, 0, -1, 3, 3, -1], [-2, -2, -2, 0]]
for variable, value in zip(model.weights, values):
    variable.assign(numpy.reshape(value, variable.shape))
layer = "relu1"
images = numpy.reshape([3, 4, 0, 4, 2, 2, 3, 1, 4, 0, 1, 1], (1, 4, 3, 1)).astype("float32")
targets = [2]
found = GradCAMPP(model, conv_layer=layer).explain(images, numpy.eye(model.output_shape[-1])[targets])
found = numpy.asarray(found)
print("expected a map of each image, found", found.shape)
