// As skeleton_listener.cpp, over rcl alone: for environments without rclcpp. Copy the other one.

#include <mpn_ros/msg/skeleton_array.hpp>
#include <rcl/error_handling.h>
#include <rcl/rcl.h>
#include <rosidl_typesupport_cpp/message_type_support.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

#include "describe.hpp"

namespace
{
constexpr std::chrono::milliseconds PERIOD{10};
volatile std::sig_atomic_t stopped = 0;

void check(rcl_ret_t status, const std::string & what)
{
  if (status != RCL_RET_OK) {
    throw std::runtime_error(what + ": " + rcl_get_error_string().str);
  }
}

void listen(int argc, char ** argv)
{
  rcl_init_options_t init_options = rcl_get_zero_initialized_init_options();
  check(rcl_init_options_init(&init_options, rcl_get_default_allocator()), "init options");
  rcl_context_t context = rcl_get_zero_initialized_context();
  check(rcl_init(argc, argv, &init_options, &context), "init");
  rcl_node_t node = rcl_get_zero_initialized_node();
  const rcl_node_options_t node_options = rcl_node_get_default_options();
  check(rcl_node_init(&node, "skeleton_listener", "", &context, &node_options), "node");
  rcl_subscription_options_t options = rcl_subscription_get_default_options();
  options.qos.depth = 1;  // what a robot acts on should be new
  rcl_subscription_t subscription = rcl_get_zero_initialized_subscription();
  const auto * type = rosidl_typesupport_cpp::get_message_type_support_handle<mpn_ros::msg::SkeletonArray>();
  check(rcl_subscription_init(&subscription, &node, type, "skeletons", &options), "subscription");

  mpn_ros::msg::SkeletonArray people;
  while (!stopped) {
    const rcl_ret_t status = rcl_take(&subscription, &people, nullptr, nullptr);
    if (status == RCL_RET_OK) {
      std::printf("%s\n", describe(people).c_str());
      std::fflush(stdout);
    } else if (status == RCL_RET_SUBSCRIPTION_TAKE_FAILED) {  // nothing there
      std::this_thread::sleep_for(PERIOD);
    } else {
      check(status, "take");
    }
  }

  check(rcl_subscription_fini(&subscription, &node), "end of the subscription");
  check(rcl_node_fini(&node), "end of the node");
  check(rcl_shutdown(&context), "shutdown");
  check(rcl_context_fini(&context), "end of the context");
  check(rcl_init_options_fini(&init_options), "end of the init options");
}
}  // namespace

int main(int argc, char ** argv)
{
  std::signal(SIGINT, [](int) {stopped = 1;});
  std::signal(SIGTERM, [](int) {stopped = 1;});
  try {
    listen(argc, argv);
  } catch (const std::exception & error) {
    std::fprintf(stderr, "skeleton_listener: %s\n", error.what());
    return 1;
  }
  return 0;
}
