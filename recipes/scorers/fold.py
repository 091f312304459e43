"""Convolutions with a batch norm for training, and their folding into plain ones, which is what ships.

convolution -> norm   ==   convolution with other weights and a bias, once the norm's statistics are fixed
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from internvl.pipelines.scorers.blocks import convolution


class NormedConvolution(nn.Module):
    """The arguments of `blocks.convolution`."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__()
        self.convolution = convolution(channels, out, kernel, stride, groups)
        self.norm = nn.BatchNorm2d(out, momentum=0.05)

    def forward(self, maps: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, D, H / stride, W / stride]."""
        normed: Tensor = self.norm(self.convolution(maps))
        return normed


def folded(network: nn.Module) -> dict[str, Tensor]:
    """The weights of the same network with plain convolutions."""
    network.eval()
    normed = {name: module for name, module in network.named_modules() if isinstance(module, NormedConvolution)}
    tensors = {
        name: tensor for name, tensor in network.state_dict().items() if not any(name.startswith(f"{inside}.") for inside in normed)
    }
    for name, module in normed.items():
        plain = fuse_conv_bn_eval(module.convolution, module.norm)
        tensors |= {f"{name}.{part}": tensor.detach() for part, tensor in plain.named_parameters()}
    return tensors
