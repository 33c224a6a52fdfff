"""tf_keras_vis 0.8.7 grad_cam_plus_plus: float64 host, probe small. Exit status 1: it differs."""
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.utils.scores import CategoricalScore

keras.config.set_floatx("float64")
layers = [keras.layers.Conv2D(filters=2, kernel_size=(2, 2), strides=(1, 1), padding='valid', name='conv1'), keras.layers.ReLU(name='relu1'), keras.layers.Conv2D(filters=2, kernel_size=(2, 2), strides=(1, 1), padding='valid', name='conv2'), keras.layers.ReLU(name='relu2'), keras.layers.Flatten(name='flatten1'), keras.layers.Dense(units=4, name='dense1')]
x = inputs = keras.Input((5, 4, 1))
for each in layers:
    x = each(x)
model = keras.Model(inputs, x)
values = [[3, 3, 2, 2, -3, 2, 3, -2], [-2, -3], [2, 3, 1, 1, 2, -3, 2, 3, -3, 3, 2, -1, 0, 2, 3, -3], [1, 0], [-1, 2, 1, -1, 3, 0, 2, -3, 3, 2, 0, 0, -1, -2, -2, 2, -1, 3, -1, 0, -1, 2, -1, 3, 1, -3, 3, 1, 1, 3, -2, -3, 1, -2, -3, 0, 0, 2, 3, 0, -2, 0, -3, -3, -3, 2, 3, -1], [-3, -3, -3, 3]]
for variable, value in zip(model.weights, values):
    variable.assign(numpy.reshape(value, variable.shape))
layer = "relu2"
images = numpy.reshape([7, 2, 4, 7, 3, 0, 4, 7, 7, 7, 6, 8, 2, 0, 6, 2, 6, 6, 4, 3], (1, 5, 4, 1)).astype("float64")
targets = [1]
found = GradcamPlusPlus(model)(CategoricalScore(targets), images, penultimate_layer=layer, seek_penultimate_conv_layer=False)
found = numpy.asarray(found)
expected = [0, 0.12257824769776203, 0.24515649539552412, 0.3677347430932863, 0.041665146284934798, 0.094389217271306156, 0.14711328825767744, 0.19983735924404883, 0.083330292569869596, 0.066200186844850226, 0.049070081119830793, 0.031939975394811353, 0.27707738993498399, 0.35670825584594745, 0.43633912175691103, 0.5159699876678745, 0.47082448730009829, 0.64721632484704472, 0.82360816239399137, 0.99999999994093769]
apart = abs(found.ravel() - expected).max()
print("expected", expected)
print("found", found.ravel().tolist())
print("largest difference", apart)
raise SystemExit(bool(not apart <= 1e-09 * max(map(abs, expected))))
