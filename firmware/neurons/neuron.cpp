#include "firmware/neurons/neuron.hpp"
