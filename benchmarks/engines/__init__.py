"""The engines that are raced, each with the methods of `problem.Engine`."""
