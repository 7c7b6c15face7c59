# What a user of the CMake package writes.
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C)
find_package(vibesync-crdt 0.1 REQUIRED)
foreach(kind shared static)
  add_executable(${kind} program.c)
  target_link_libraries(${kind} PRIVATE vibesync-crdt::${kind})
endforeach()
