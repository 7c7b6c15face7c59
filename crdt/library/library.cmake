# libvibesync-crdt, for programs of others: static and shared, headers, a pkg-config file and a CMake package.
#
#   cmake --install build/release --component crdt --prefix DIR
#
# It is made of the objects of `ground` and `crdt`. What the public headers declare is exported and nothing else (exports.map).
include(CMakePackageConfigHelpers)
foreach(layer ground crdt)
  set_target_properties(${layer} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${layer} PRIVATE -fno-semantic-interposition) # calls inside the library stay inside
endforeach()
set(objects $<TARGET_OBJECTS:ground> $<TARGET_OBJECTS:crdt>)
set(exports ${CMAKE_CURRENT_SOURCE_DIR}/library/exports.map)
add_library(vibesync_crdt_shared SHARED ${objects})
add_library(vibesync_crdt_static STATIC ${objects})
set_target_properties(vibesync_crdt_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0 EXPORT_NAME shared LINK_DEPENDS ${exports})
set_target_properties(vibesync_crdt_static PROPERTIES EXPORT_NAME static)
target_link_options(vibesync_crdt_shared PRIVATE -Wl,--version-script=${exports} -Wl,-Bsymbolic-functions)
if(VIBESYNC_SANITIZE)
  target_link_options(vibesync_crdt_shared PRIVATE -fsanitize=${VIBESYNC_SANITIZE})
endif()
foreach(target vibesync_crdt_shared vibesync_crdt_static)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME vibesync-crdt LINKER_LANGUAGE C)
  target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/vibesync>)
endforeach()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/vibesync-crdt)
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(library/vibesync-crdt.pc.in vibesync-crdt.pc @ONLY)
file(CONFIGURE OUTPUT vibesync-crdt-config.cmake CONTENT "include(\${CMAKE_CURRENT_LIST_DIR}/vibesync-crdt-targets.cmake)\n" @ONLY)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/vibesync-crdt-config-version.cmake COMPATIBILITY SameMinorVersion)
install(TARGETS vibesync_crdt_shared vibesync_crdt_static EXPORT vibesync-crdt-targets COMPONENT crdt)
install(EXPORT vibesync-crdt-targets NAMESPACE vibesync-crdt:: DESTINATION ${package} COMPONENT crdt)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vibesync-crdt-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/vibesync-crdt-config-version.cmake
  DESTINATION ${package} COMPONENT crdt)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vibesync-crdt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT crdt)
install(DIRECTORY include/crdt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vibesync COMPONENT crdt)
install(FILES ground/arena.h ground/bytes.h ground/mem.h ground/status.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vibesync/ground COMPONENT crdt)
