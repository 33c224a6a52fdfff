"""tf_keras_vis 0.8.7 grad_cam_plus_plus: probe small. Exit status 1: it differs."""
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.utils.scores import CategoricalScore

layers = [keras.layers.Conv2D(filters=2, kernel_size=(2, 2), strides=(1, 1), padding='valid', name='conv1'), keras.layers.ReLU(name='relu1'), keras.layers.Conv2D(filters=2, kernel_size=(2, 2), strides=(1, 1), padding='valid', name='conv2'), keras.layers.ReLU(name='relu2'), keras.layers.Flatten(name='flatten1'), keras.layers.Dense(units=4, name='dense1')]
x = inputs = keras.Input((5, 4, 1))
for each in layers:
    x = each(x)
model = keras.Model(inputs, x)
values = [[3, 3, 2, 2, -3, 2, 3, -2], [-2, -3], [2, 3, 1, 1, 2, -3, 2, 3, -3, 3, 2, -1, 0, 2, 3, -3], [1, 0], [-1, 2, 1, -1, 3, 0, 2, -3, 3, 2, 0, 0, -1, -2, -2, 2, -1, 3, -1, 0, -1, 2, -1, 3, 1, -3, 3, 1, 1, 3, -2, -3, 1, -2, -3, 0, 0, 2, 3, 0, -2, 0, -3, -3, -3, 2, 3, -1], [-3, -3, -3, 3]]
for variable, value in zip(model.weights, values):
    variable.assign(numpy.reshape(value, variable.shape))
layer = "relu2"
images = numpy.reshape([4, 5, 6, 1, 7, 1, 5, 4, 7, 6, 1, 4, 0, 0, 4, 7, 1, 1, 8, 3], (1, 5, 4, 1)).astype("float32")
targets = [3]
found = GradcamPlusPlus(model)(CategoricalScore(targets), images, penultimate_layer=layer, seek_penultimate_conv_layer=False)
found = numpy.asarray(found)
expected = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
apart = abs(found.ravel() - expected).max()
print("expected", expected, "\nfound", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-05 * max(map(abs, expected))))
