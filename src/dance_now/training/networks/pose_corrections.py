"""Corrections of training labels, learned with the network (cf. the cameras of a bundle adjustment).

An estimator's labels are a few pixels off, differently in each picture. A network that is given them as they
are learns their mean: a blur. So each training picture has a displacement of its body keypoints, which is
learned as the network's weights are and pulled back to zero. It ends with the training: characters are drawn
from poses as they come.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dance_now.pose.model.keypoints import BODY, BODY_INDEX, FACE, LEFT_HAND, POINT_COUNT, RIGHT_HAND

PIXELS_A_STEP = 0.3  # of Adam at the peak of the learning rate
_PULL = 2e-4  # loss of a joint that is a pixel off
_COUNT = BODY.stop - BODY.start


class PoseCorrections(nn.Module):
    """Displacements of the keypoints of each training picture.

    Args:
        count: number of pictures.
        pictures: step -> (B,) int64, the pictures of that step's batch.
    """

    carriers: Tensor

    def __init__(self, count: int, pictures: Callable[[int], Tensor]) -> None:
        super().__init__()
        self._pictures = pictures
        self.shift = nn.Parameter(torch.zeros(count, _COUNT, 3))  # canvas px
        carriers = torch.arange(POINT_COUNT)
        carriers[FACE] = BODY_INDEX["nose"]
        carriers[LEFT_HAND], carriers[RIGHT_HAND] = BODY_INDEX["left_wrist"], BODY_INDEX["right_wrist"]
        self.register_buffer("carriers", carriers, persistent=False)

    def forward(self, keypoints: Tensor, step: int) -> Tensor:
        """Corrects a step's keypoints (B, 137, 4): face and hands move with nose and wrists."""
        moved = self._of(step).index_select(1, self.carriers) * (keypoints[..., 3:] > 0)
        return torch.cat([keypoints[..., :3] + moved, keypoints[..., 3:]], dim=2)

    def penalty(self, step: int) -> Tensor:
        """Loss that keeps a step's corrections small."""
        return _PULL * self._of(step).square().sum(dim=2).mean()

    def _of(self, step: int) -> Tensor:
        return self.shift[self._pictures(step).to(self.shift.device)]
