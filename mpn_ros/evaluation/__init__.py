"""How good weights are: COCO AP and AR of keypoints and boxes, and the IoU of the mask, through the whole pipeline."""
