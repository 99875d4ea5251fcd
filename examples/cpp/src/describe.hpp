// What an example does with people: says in a line who is there and where their hands are.

#pragma once

#include <mpn_ros/msg/keypoint.hpp>
#include <mpn_ros/msg/skeleton_array.hpp>

#include <string>

inline std::string describe(const mpn_ros::msg::SkeletonArray & people)
{
  using mpn_ros::msg::Keypoint;
  std::string line = std::to_string(people.skeletons.size()) + " people in '" + people.header.frame_id + "'";
  for (const auto & person : people.skeletons) {
    line += "; " + std::to_string(person.id) + ":";
    for (const auto joint : {Keypoint::LEFT_WRIST, Keypoint::RIGHT_WRIST}) {
      const Keypoint & wrist = person.keypoints[joint];
      // Ask for seen first: the position of a joint that is not seen is NaN.
      line += wrist.seen ? " (" + std::to_string(wrist.x) + ", " + std::to_string(wrist.y) + ")" : " not seen";
    }
  }
  return line;
}
