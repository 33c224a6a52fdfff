"""tf_keras_vis 0.8.7 grad_cam_plus_plus: probe rational. Exit status 1: it differs."""
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.utils.scores import CategoricalScore

layers = [keras.layers.Conv2D(filters=2, kernel_size=(2, 2), strides=(1, 1), padding='valid', name='conv1'), keras.layers.ReLU(name='relu1'), keras.layers.Flatten(name='flatten1'), keras.layers.Dense(units=4, name='dense1')]
x = inputs = keras.Input((4, 3, 1))
for each in layers:
    x = each(x)
model = keras.Model(inputs, x)
values = [[2, 3, 3, 0, 3, 3, 3, -3], [0, 1], [-2, -1, 1, 2, 1, -2, 1, 3, -2, 0, -1, 3, -3, 0, 3, 0, -3, 2, 3, 3, 3, -1, 2, 3, 1, 3, 1, -2, 0, 1, -1, 1, -1, 3, -2, 1, -3, -3, 0, 0, 0, 0, 2, 0, -1, 3, 3, -1], [-2, -2, -2, 0]]
for variable, value in zip(model.weights, values):
    variable.assign(numpy.reshape(value, variable.shape))
layer = "relu1"
images = numpy.reshape([3, 4, 0, 4, 2, 2, 3, 1, 4, 0, 1, 1], (1, 4, 3, 1)).astype("float32")
targets = [2]
found = GradcamPlusPlus(model)(CategoricalScore(targets), images, penultimate_layer=layer, seek_penultimate_conv_layer=False)
found = numpy.asarray(found)
expected = [1, 0.717610642, 0.435221284, 0.875054149, 0.55618402, 0.237313891, 0.541720815, 0.338573378, 0.13542594, 0, 0.0647787156, 0.129557431]
apart = abs(found.ravel() - expected).max()
print("expected", expected, "\nfound", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-05 * max(map(abs, expected))))
