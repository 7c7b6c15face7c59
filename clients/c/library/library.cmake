# libvibesync-client, for programs of others: static and shared, headers, a pkg-config file.
#
#   cmake --install build/release --component client --prefix DIR      beside component crdt, which it needs
#
# It is made of the objects of `wire`, `feature_wire` and `vibesync_client`; the engine stays in libvibesync-crdt. The shared one also
# has a `ground` of its own, of which only uuid_* is seen: libvibesync-crdt.so exports no more of it than its own headers declare.
# What else it links (wslay, msgpack, libssl, libcrypto, jansson, zlib, http-parser) is no business of those who link the shared one.
foreach(layer wire feature_wire vibesync_client)
  set_target_properties(${layer} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${layer} PRIVATE -fno-semantic-interposition)
endforeach()
set(objects $<TARGET_OBJECTS:wire> $<TARGET_OBJECTS:feature_wire> $<TARGET_OBJECTS:vibesync_client>)
set(exports ${CMAKE_CURRENT_SOURCE_DIR}/library/exports.map)
add_library(vibesync_client_shared SHARED ${objects} $<TARGET_OBJECTS:ground>)
add_library(vibesync_client_static STATIC ${objects})
set_target_properties(vibesync_client_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0 LINK_DEPENDS ${exports})
target_link_options(vibesync_client_shared PRIVATE -Wl,--version-script=${exports} -Wl,-Bsymbolic-functions)
target_link_libraries(vibesync_client_shared PRIVATE vibesync_crdt_shared wire PkgConfig::SSL) # wire: for the libraries behind it
if(VIBESYNC_SANITIZE)
  target_link_options(vibesync_client_shared PRIVATE -fsanitize=${VIBESYNC_SANITIZE})
endif()
foreach(target vibesync_client_shared vibesync_client_static)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME vibesync-client LINKER_LANGUAGE C)
endforeach()

file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(library/vibesync-client.pc.in vibesync-client.pc @ONLY)
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/vibesync)
set(wire ${CMAKE_SOURCE_DIR}/protocol/include/wire)
install(TARGETS vibesync_client_shared vibesync_client_static COMPONENT client)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vibesync-client.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT client)
install(DIRECTORY include/vibesync DESTINATION ${headers} COMPONENT client)
install(FILES ${CMAKE_SOURCE_DIR}/crdt/ground/uuid.h DESTINATION ${headers}/ground COMPONENT client)
install(FILES ${wire}/doc_wire.h ${wire}/session_wire.h ${wire}/rpc.h ${wire}/fault.h ${wire}/method.h ${wire}/pack.h
  DESTINATION ${headers}/wire COMPONENT client)
file(GLOB features CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/server ${CMAKE_SOURCE_DIR}/server/features/*/*_wire.h)
foreach(header ${features})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${CMAKE_SOURCE_DIR}/server/${header} DESTINATION ${headers}/${folder} COMPONENT client)
endforeach()
