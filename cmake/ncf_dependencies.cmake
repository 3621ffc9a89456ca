# Every package the project uses. All are Debian 12 packages (scripts/setup.sh names them); nothing is downloaded.
set(HDF5_PREFER_PARALLEL TRUE)  # Open MPI's HDF5 flavour is what the set-up installs; it is used serially
find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
find_package(HDF5 REQUIRED COMPONENTS C)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options iostreams)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)

# oneDNN's own CMake package asks for OpenCL, which nothing here needs.
find_library(DNNL_LIBRARY dnnl REQUIRED)
find_path(DNNL_INCLUDE_DIR dnnl.hpp REQUIRED)
add_library(ncf_dnnl INTERFACE)
target_link_libraries(ncf_dnnl INTERFACE "${DNNL_LIBRARY}")
target_include_directories(ncf_dnnl SYSTEM INTERFACE "${DNNL_INCLUDE_DIR}")

find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)

# The C API only: the MPI C++ bindings would ask for a library nobody links.
add_library(ncf_mpi INTERFACE)
target_link_libraries(ncf_mpi INTERFACE MPI::MPI_C)
target_compile_definitions(ncf_mpi INTERFACE OMPI_SKIP_MPICXX=1 MPICH_SKIP_MPICXX=1)

# Debian's parallel HDF5 includes <mpi.h> from its own headers.
add_library(ncf_hdf5 INTERFACE)
target_link_libraries(ncf_hdf5 INTERFACE HDF5::HDF5 ncf_mpi)

find_library(XXHASH_LIBRARY xxhash REQUIRED)
add_library(ncf_xxhash INTERFACE)
target_link_libraries(ncf_xxhash INTERFACE "${XXHASH_LIBRARY}")
target_include_directories(ncf_xxhash SYSTEM INTERFACE "${XXHASH_INCLUDE_DIR}")
