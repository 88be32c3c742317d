"""Constants of nature that several models need."""

SPEED_OF_LIGHT_MPS = 299_792_458.0  # exact; 3GPP documents compute with 3e8, which moves a loss by up to 0.006 dB
