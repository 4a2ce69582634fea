"""What the tests of sources share."""

from originals import original as original
