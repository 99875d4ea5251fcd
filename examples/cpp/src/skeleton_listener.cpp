// Listens to the topic skeletons and says who is there: ros2 run mpn_ros_cpp_example skeleton_listener

#include <mpn_ros/msg/skeleton_array.hpp>
#include <rclcpp/rclcpp.hpp>

#include <memory>

#include "describe.hpp"

class SkeletonListener : public rclcpp::Node
{
public:
  SkeletonListener()
  : Node("skeleton_listener")
  {
    // What a robot acts on should be new: a queue of one.
    subscription_ = create_subscription<mpn_ros::msg::SkeletonArray>(
      "skeletons", rclcpp::QoS(1), [this](const mpn_ros::msg::SkeletonArray & people) {
        RCLCPP_INFO(get_logger(), "%s", describe(people).c_str());
      });
  }

private:
  rclcpp::Subscription<mpn_ros::msg::SkeletonArray>::SharedPtr subscription_;
};

int main(int argc, char ** argv)
{
  rclcpp::init(argc, argv);
  rclcpp::spin(std::make_shared<SkeletonListener>());
  rclcpp::shutdown();
  return 0;
}
