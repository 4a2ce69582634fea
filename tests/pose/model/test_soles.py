import numpy as np
from skeletons import chibi_skeleton

from dance_now.pose.model.pose import Pose
from dance_now.pose.model.soles import sole_points
from dance_now.pose.retarget.retargeter import Retargeter

CHIBI = chibi_skeleton()


def test_soles_are_at_the_lowest_point_of_somebody_who_stands() -> None:
    standing = Retargeter(CHIBI, smooth=False)(Pose.empty(), 0.0)
    soles = sole_points(standing.pose, CHIBI, standing.scale)
    assert soles.shape == (2, 2, 2)
    crown_to_floor = CHIBI.height * standing.scale
    assert np.ptp(soles[..., 1]) < 0.05 * crown_to_floor
    ears = standing.pose.points[[17, 18], 1].mean()
    rest_ears = CHIBI.rest[[17, 18], 1].mean() - CHIBI.bounds[0, 1]
    assert abs((soles[..., 1].mean() - ears) / standing.scale - rest_ears) < 0.05 * CHIBI.height
    assert (
        soles[0, :, 0].mean() > soles[1, :, 0].mean()
    )  # a figure that looks at us has its left at the right
