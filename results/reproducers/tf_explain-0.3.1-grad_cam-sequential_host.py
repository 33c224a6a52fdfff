"""tf_explain 0.3.1 grad_cam: sequential host, probe rational. Exit status 1: it differs."""
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy
from tf_explain.core.grad_cam import GradCAM

layers = [keras.layers.Conv2D(filters=2, kernel_size=(2, 2), strides=(1, 1), padding='valid', name='conv1'), keras.layers.ReLU(name='relu1'), keras.layers.Flatten(name='flatten1'), keras.layers.Dense(units=4, name='dense1')]
x = inputs = keras.Input((4, 3, 1))
model = keras.Sequential([inputs, *layers])
values = [[2, 3, 3, 0, 3, 3, 3, -3], [0, 1], [-2, -1, 1, 2, 1, -2, 1, 3, -2, 0, -1, 3, -3, 0, 3, 0, -3, 2, 3, 3, 3, -1, 2, 3, 1, 3, 1, -2, 0, 1, -1, 1, -1, 3, -2, 1, -3, -3, 0, 0, 0, 0, 2, 0, -1, 3, 3, -1], [-2, -2, -2, 0]]
for variable, value in zip(model.weights, values):
    variable.assign(numpy.reshape(value, variable.shape))
layer = "relu1"
images = numpy.reshape([3, 4, 0, 4, 2, 2, 3, 1, 4, 0, 1, 1], (1, 4, 3, 1)).astype("float32")
targets = [2]
found = [GradCAM.generate_ponderated_output(*GradCAM.get_gradients_and_filters(model, image[None], layer, target, True))[0] for image, target in zip(images, targets)]
found = numpy.asarray(found)
print("expected a map of each image, found", found.shape)
